// Formatting of numbers.

import { number } from './ticks.js';
import { t, language } from './words.js';

export { number };

// Formats an integer with thousands separators.
export const count = value => String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');

export const percent = share => (Number.isFinite(share) ? `${(share * 100).toFixed(2)}\u202f%` : '–');

// Formats seconds in human-readable units.
export const duration = seconds => {
  if (!Number.isFinite(seconds)) return '–';
  const whole = Math.round(seconds);
  if (whole < 60) return `${seconds < 10 ? seconds.toFixed(1) : whole}\u202fs`;
  if (whole < 3600) return `${Math.floor(whole / 60)}\u202fmin ${String(whole % 60).padStart(2, '0')}\u202fs`;
  return `${Math.floor(whole / 3600)}\u202fh ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')}\u202fmin`;
};

// Formats a result with the name of its metric: `accuracy 97.12 %`.
export const score = found => {
  if (!found) return '–';
  const value = found.metric === 'accuracy' ? percent(found.value) : number(found.value);
  return `${t(`metric.${found.metric}`)} ${value}`;
};

// Formats a time (seconds since 1970) as the time elapsed, or as the date if that is long ago.
export const moment = seconds => {
  const ago = Date.now() / 1000 - seconds;
  const words = new Intl.RelativeTimeFormat(language(), { numeric: 'auto', style: 'short' });
  if (ago < 45) return t('now');
  if (ago < 3600) return words.format(-Math.round(ago / 60), 'minute');
  if (ago < 86400) return words.format(-Math.round(ago / 3600), 'hour');
  return new Date(seconds * 1000).toLocaleDateString(language(), { year: 'numeric', month: 'short', day: 'numeric' });
};

// Returns the progress of a run, from 0 to 1.
export const progress = run => {
  if (run.planned_steps) return Math.min(1, run.steps / run.planned_steps);
  return run.planned_epochs ? Math.min(1, run.epochs / run.planned_epochs) : 0;
};
