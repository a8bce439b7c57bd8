// Actions started from this studio, and their output.

import { button, fill, link, make } from './dom.js';
import { moment } from './format.js';
import { act, get } from './server.js';
import { t } from './words.js';

const TONES = { running: 'open', done: 'good', findings: 'warn', failed: 'bad' };
// Milliseconds between two requests for the output of a running job.
const INTERVAL = 1000;
// Number of output characters kept by a page.
const MOST_TEXT = 400000;

export const actionsPage = studio => {
  const { list } = studio;
  let [chosen, next, timer, closed] = [Number(new URLSearchParams(location.search).get('job')) || null, 0, 0, false];
  const jobs = make('ul', { class: 'jobs' });
  const output = make('pre', { tabindex: 0, role: 'log', 'aria-label': t('job.output') });
  const title = make('div', { class: 'job-head' });
  const detail = make('div', {}, title, output);

  const draw = () => {
    const shown = [...list.jobs].reverse();
    chosen ??= shown[0]?.id ?? null;
    fill(jobs, shown.map(job => make('li', {}, button([
      make('span', { class: `pill ${TONES[job.state]}` }, t(`job.${job.state}`)),
      make('b', {}, `${t(`action.${job.action}`)}${job.run ? ` · ${job.run}` : ''}`), make('span', { class: 'soft' }, moment(job.began)),
    ], () => studio.go(`/actions?job=${job.id}`), { 'aria-current': job.id === chosen ? 'true' : null }))));
    const job = list.jobs.find(one => one.id === chosen);
    [jobs.hidden, detail.hidden, none.hidden] = [shown.length === 0, !job, shown.length > 0];
    if (!job) return;
    const run = job.run ? list.runs.get(job.run) : null;
    fill(title, make('code', {}, job.command), make('p', { class: 'tools' },
      job.state === 'running' ? button(t('action.stop'), () => act({ action: 'stop_job', job: job.id }).catch(error => studio.say(error.message)), { title: t('action.stop.help') }) : null,
      run ? link(`/runs/${encodeURIComponent(run.name)}`, `${t('job.run')}: ${run.name}`) : null));
  };

  const read = async () => {
    clearTimeout(timer);
    if (closed || chosen === null) return;
    const answer = await get(`/api/jobs/${chosen}`, { from: next });
    if (closed) return;
    const atEnd = output.scrollTop + output.clientHeight >= output.scrollHeight - 8;
    if (next === 0) output.textContent = answer.text || t('job.nothing');
    else if (answer.text) output.textContent = (output.textContent + answer.text).slice(-MOST_TEXT);
    next = answer.next;
    if (atEnd) output.scrollTop = output.scrollHeight;
    if (answer.more || answer.job.state === 'running') timer = setTimeout(() => read().catch(report), answer.more ? 0 : INTERVAL);
  };
  const report = error => { if (!closed) studio.say(error.message); };

  const none = make('p', { class: 'calm' }, t('actions.none'));
  const node = make('div', { class: 'report page' }, make('header', {}, make('h1', {}, t('actions.title')), make('p', { class: 'lead' }, t('actions.lead'))),
    none, make('div', { class: 'master' }, jobs, detail));
  let [known, started] = [false, false];
  const changed = () => {
    draw();
    const job = list.jobs.find(one => one.id === chosen);
    // The last lines arrive together with the end.
    if (job && (!started || (known && job.state !== 'running'))) read().catch(report);
    started ||= Boolean(job);
    known = job?.state === 'running';
  };
  return {
    title: t('actions.title'),
    node,
    opened: changed,
    listChanged: changed,
    close: () => {
      closed = true;
      clearTimeout(timer);
    },
  };
};
