// Pages of the studio: routing by address, the common header, and the shared list of runs.

import { act, listen } from './server.js';
import { button, fill, link, make } from './dom.js';
import { language, switchLanguage, t } from './words.js';
import { actionsPage } from './actions.js';
import { comparePage } from './compare.js';
import { formPage } from './form.js';
import { experimentPage, labPage } from './lab.js';
import { runPage } from './run.js';
import { runsPage } from './runs.js';

const PAGES = [
  [/^\/$/, runsPage],
  [/^\/runs\/([^/]+)$/, runPage],
  [/^\/compare$/, comparePage],
  [/^\/new$/, formPage],
  [/^\/actions$/, actionsPage],
  [/^\/lab$/, labPage],
  [/^\/lab\/([^/]+)$/, experimentPage],
];

const bar = document.querySelector('.bar');
const banner = document.querySelector('.banner');
const content = document.querySelector('#content');

// Current runs and actions; pages are notified of changes.
const list = { runs: new Map(), jobs: [], folder: '', known: false };
let page = null;

// Context available to a page: the list, navigation, and texts for the reader.
const studio = {
  list,
  go: to => {
    history.pushState(null, '', to);
    show();
  },
  say: text => {
    banner.hidden = !text;
    banner.textContent = text;
  },
  // Starts an action and shows its output, or the reason if it cannot be started.
  start: async action => {
    try {
      studio.say('');
      const { job } = await act(action);
      if (job) studio.go(`/actions?job=${job.id}`);
      return true;
    } catch (error) {
      studio.say(error.message);
      return false;
    }
  },
};

const drawBar = () => {
  document.documentElement.lang = language() === 'zh' ? 'zh-CN' : 'en';
  document.querySelector('.skip').textContent = t('skip');
  const here = to => (location.pathname === to || (to !== '/' && location.pathname.startsWith(`${to}/`)) ? 'page' : null);
  const busy = list.jobs.filter(job => job.state === 'running').length;
  const entry = (to, words, more) => make('a', { href: to, 'aria-current': here(to) }, t(words), more);
  fill(bar,
    make('a', { href: '/', class: 'brand' }, 'Evenkeel', make('span', {}, t('studio'))),
    make('nav', { 'aria-label': t('studio') }, entry('/', 'nav.runs'), entry('/new', 'nav.new'),
      entry('/actions', 'nav.actions', busy > 0 ? make('span', { class: 'badge' }, String(busy)) : null), entry('/lab', 'nav.lab')),
    button(t('language'), () => {
      switchLanguage();
      show();
    }, { class: 'plain', lang: language() === 'zh' ? 'en' : 'zh-CN' }));
};

// Shows the page for the address.
const show = () => {
  page?.close?.();
  drawBar();
  studio.say('');
  const found = PAGES.map(([pattern, make]) => [location.pathname.match(pattern), make]).find(([match]) => match);
  const [match, open] = found ?? [[], runsPage];
  page = open(studio, ...match.slice(1).map(decodeURIComponent));
  fill(content, page.node);
  document.title = `${page.title} · Evenkeel`;
  page.opened?.();
};

document.addEventListener('click', event => {
  const anchor = event.target.closest('a[href]');
  const elsewhere = !anchor || anchor.target || anchor.origin !== location.origin || ['/report/', '/exhibits/'].some(pages => anchor.pathname.startsWith(pages));
  if (elsewhere || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  if (anchor.pathname === location.pathname && anchor.hash) return;
  event.preventDefault();
  studio.go(anchor.pathname + anchor.search + anchor.hash);
  scrollTo(0, 0);
  content.focus({ preventScroll: true });
});
addEventListener('popstate', () => show());

const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);

listen('/api/runs/events', () => ({}), {
  list: news => {
    if (news.all) list.runs.clear();
    news.removed.forEach(name => list.runs.delete(name));
    news.runs.forEach(run => list.runs.set(run.name, run));
    const jobs = news.jobs ?? list.jobs;
    const changed = !isSame(jobs, list.jobs);
    [list.jobs, list.folder, list.known] = [jobs, news.folder, true];
    if (changed) drawBar();
    page?.listChanged?.();
  },
}, answers => { studio.say(answers ? '' : t('offline')); });

show();
