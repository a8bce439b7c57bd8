// Curves of one run, which grow while it trains.

import { choice, fill, make, settled, tick } from './dom.js';
import { lineChart } from './lines.js';
import { get, ofRun } from './server.js';
import { t } from './words.js';

// Approximate number of points per curve; once there are more, the curves are requested again.
const POINTS = 1200;
const MOST_POINTS = 2 * POINTS;
const SPANS = [10, 20, 50, 100, 200, 500, 1000];

const isLogarithmic = loss => {
  const sizes = loss.y.filter(value => value !== null && value > 0);
  return sizes.length > 0 && sizes.length === loss.y.filter(value => value !== null).length && Math.max(...sizes) / Math.min(...sizes) > 30;
};

const marks = points => (points.x.length <= 60 ? 'both' : 'line');

// Results on one part of the data after each epoch.
export const ofEpochs = (epochs, part, read) => {
  const rows = epochs.filter(epoch => epoch.part === part && read(epoch) !== null && read(epoch) !== undefined);
  return { x: rows.map(epoch => epoch.step), y: rows.map(read) };
};

export const curves = name => {
  let [known, whole, span, range] = [null, null, 'auto', null];
  let logarithmic = { loss: null, rate: false };
  let [turn, latest] = [0, 0];

  const zoomed = wanted => {
    range = wanted;
    charts.forEach(chart => chart.setRange(range));
    again();
  };
  const chart = (title, more = {}) => lineChart({ title: t(title), xTitle: t('step'), zoomed, ...more });
  const [loss, quality, rate, gradient] = [chart('curves.loss'), chart('curves.accuracy'), chart('curves.rate', { small: true }), chart('curves.gradient', { small: true, logarithmic: true })];
  const charts = [loss, quality, rate, gradient];

  const options = [['auto', t('curves.auto')], ['1', t('curves.off')], ...SPANS.map(steps => [String(steps), t('curves.span', steps)])];
  const smoothing = choice(t('curves.smoothing'), options, span, value => {
    span = value;
    read();
  });
  const logLoss = tick(t('curves.log_loss'), false, value => {
    logarithmic.loss = value;
    draw();
  });
  const logRate = tick(t('curves.log_rate'), false, value => {
    logarithmic.rate = value;
    draw();
  });
  const none = make('p', { class: 'calm' }, t('curves.none'));
  const body = make('div', {}, make('div', { class: 'tools' }, smoothing, logLoss, logRate),
    make('div', { class: 'grid-2' }, charts.map(one => one.node)), make('p', { class: 'usage soft' }, t('curves.usage')));
  const node = make('div', {}, none, body);

  const draw = () => {
    if (!known) return;
    const { epochs } = whole;
    [none.hidden, body.hidden] = [known.steps > 0, known.steps === 0];
    const asked = logarithmic.loss ?? isLogarithmic(known.loss);
    logLoss.querySelector('input').checked = asked;
    loss.setLogarithmic(asked);
    rate.setLogarithmic(logarithmic.rate);
    const part = (words, which, colour, read) => {
      const points = ofEpochs(epochs, which, read);
      return { name: t(words), ...points, colour, kind: marks(points) };
    };
    loss.set([
      { name: t('curves.batches'), ...known.loss, colour: 0, kind: 'faint' },
      { name: t('curves.smoothed'), ...known.smoothed, colour: 0 },
      part('curves.train', 'train', 2, epoch => epoch.loss), part('curves.val', 'val', 1, epoch => epoch.loss),
    ].filter(one => one.x.length > 0));
    const classes = epochs.some(epoch => epoch.accuracy !== null);
    const read = epoch => (classes ? epoch.accuracy : epoch.rmse);
    quality.setTitle(t(classes ? 'curves.accuracy' : 'curves.rmse'));
    quality.set([part('part.train', 'train', 2, read), part('part.val', 'val', 1, read)].filter(one => one.x.length > 0));
    quality.node.hidden = !epochs.some(epoch => read(epoch) !== null && read(epoch) !== undefined);
    rate.set([{ name: t('curves.rate'), ...known.learning_rate, colour: 4 }]);
    gradient.set([{ name: t('curves.gradient'), ...known.gradient_norm, colour: 6 }]);
  };

  const read = async () => {
    const mine = turn += 1;
    const query = { points: POINTS, span: span === 'auto' ? null : span };
    const answers = await Promise.all([get(ofRun(name, 'curves'), query), range ? get(ofRun(name, 'curves'), { ...query, from: range[0], to: range[1] }) : null]);
    // An answer to an outdated request is ignored.
    if (mine !== turn) return known;
    [whole, known] = [answers[0], answers[1] ?? answers[0]];
    draw();
    // Events that arrived meanwhile were added to the replaced curves.
    if (whole.last_step < latest) setTimeout(again, 1000);
    return whole;
  };
  const again = settled(() => read().catch(() => {}), 150);

  // Continues the exponential moving average from its current state, with bias correction at the start.
  const smoothOn = (curve, value, steps) => {
    const decay = 1 - 1 / Math.max(1, whole.span);
    const weight = taken => 1 - decay ** taken;
    const before = curve.y.findLast(one => one !== null) ?? 0;
    return (decay * weight(steps) * before + (1 - decay) * value) / (weight(steps + 1) || 1);
  };

  const add = news => {
    if (!whole) return;
    latest = news.last_step;
    whole.epochs.push(...news.epochs);
    if (range || news.reduced || whole.loss.x.length + news.step.length > MOST_POINTS || span === 'auto' && whole.steps * 1.3 < news.last_step) {
      again();
      if (range) return;
    }
    news.step.forEach((step, index) => {
      const value = news.loss[index];
      const smooth = value === null ? null : smoothOn(whole.smoothed, value, whole.steps);
      [[whole.loss, value], [whole.smoothed, smooth], [whole.learning_rate, news.learning_rate[index]], [whole.gradient_norm, news.gradient_norm[index]]]
        .forEach(([curve, one]) => {
          curve.x.push(step);
          curve.y.push(one);
        });
      whole.steps += 1;
    });
    whole.last_step = news.last_step;
    draw();
  };

  return {
    node,
    read,
    add,
    // Data already shown, for requests of newer data.
    known: () => ({ generation: whole?.generation ?? 0, after: whole?.last_step ?? 0, epochs: whole?.epochs.length ?? 0 }),
     close: () => charts.forEach(one => one.close()),
  };
};
