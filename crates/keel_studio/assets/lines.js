// Line charts with live updates: readouts, zoom along the steps, a legend that hides curves, keyboard control. They
// look like the charts of the report, and are drawn as SVG, so that they follow the reader's colours and print well.

import { make, fill, button } from './dom.js';
import { number, placeOf, ticks, valueAt } from './ticks.js';
import { t } from './words.js';

const SIDE = 1000;
const MOST_ROWS = 14;

const axisOf = (low, high, logarithmic) => {
  if (!(high > low)) [low, high] = logarithmic ? [low / 2, low * 2] : [low - 0.5, high + 0.5];
  return logarithmic ? { logarithmic, low: Math.log10(low), high: Math.log10(high) } : { logarithmic, low, high };
};

const padded = (axis, share) => {
  const pad = (axis.high - axis.low) * share;
  return { ...axis, low: axis.low - pad, high: axis.high + pad };
};

// Returns the index of the value of the ascending `list` that is nearest to `wanted`.
const nearest = (list, wanted) => {
  let [low, high] = [0, list.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (list[middle] < wanted) low = middle; else high = middle;
  }
  return wanted - list[low] < list[high] - wanted ? low : high;
};

// Creates a chart of `title` over `xTitle`. A series has `name`, `colour` (one of the page's eight) or `hue` (any),
// `kind` (line, faint, dots, both), `x` ascending and `y`, where null interrupts the line. `zoomed` is called with the
// range of a zoom, or null.
export const lineChart = ({ title, xTitle, small = false, logarithmic = false, zoomed = () => {} }) => {
  const grid = make('path', { class: 'grid' });
  const drawing = make('svg', { class: 'chart', viewBox: `0 0 ${SIDE} ${SIDE}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' }, grid);
  const reset = button(t('zoom.reset'), () => zoom(null), { class: 'reset' });
  const area = make('div', { class: 'area', tabindex: 0, role: 'img' }, drawing, reset);
  const [xTicks, yTicks] = [make('div', { class: 'x-ticks', 'aria-hidden': 'true' }), make('div', { class: 'y-ticks', 'aria-hidden': 'true' })];
  const plot = make('div', { class: small ? 'plot small' : 'plot', 'data-started': '' },
    make('p', { class: 'y-title' }, title), yTicks, area, xTicks, make('p', { class: 'x-title', 'aria-hidden': 'true' }, xTitle));
  const legend = make('p', { class: 'legend' });
  const node = make('figure', { class: 'lines' }, plot, legend);

  let series = [];
  let hidden = new Set();
  let range = null;
  let [xAxis, yAxis, farSteps] = [axisOf(0, 1, false), axisOf(0, 1, false), false];
  let pointer = null;
  let drag = null;
  let readout = null;

  const shown = () => series.filter(one => !hidden.has(one.name) && one.x.length > 0);

  const fitAxes = () => {
    let [left, right] = range ?? [Infinity, -Infinity];
    if (!range) {
      shown().forEach(one => {
        left = Math.min(left, one.x[0]);
        right = Math.max(right, one.x.at(-1));
      });
    }
    if (!Number.isFinite(left)) [left, right] = [0, 1];
    if (farSteps) left = Math.max(left, 1);
    xAxis = axisOf(left, right, farSteps && right > left);
    let [low, high] = [Infinity, -Infinity];
    for (const one of shown()) {
      one.y.forEach((value, index) => {
        if (value === null || (logarithmic && value <= 0) || one.x[index] < left || one.x[index] > right) return;
        low = Math.min(low, value);
        high = Math.max(high, value);
      });
    }
    if (!Number.isFinite(low)) [low, high] = [logarithmic ? 0.1 : 0, 1];
    yAxis = padded(axisOf(low, high, logarithmic), 0.05);
  };

  const place = (x, y) => [placeOf(xAxis, x) * SIDE, (1 - placeOf(yAxis, y)) * SIDE];
  const isDrawn = value => value !== null && !(logarithmic && value <= 0);

  const drawn = one => {
    const parts = [];
    let open = false;
    for (let index = 0; index < one.x.length; index += 1) {
      if (!isDrawn(one.y[index])) {
        open = false;
        continue;
      }
      const [x, y] = place(one.x[index], one.y[index]);
      parts.push(`${open ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`);
      open = true;
    }
    const dots = one.x.map((x, index) => (isDrawn(one.y[index]) ? place(x, one.y[index]) : null)).filter(Boolean)
      .map(([x, y]) => `M${x.toFixed(1)} ${y.toFixed(1)}h0`).join('');
    const kind = one.kind ?? 'line';
    return make('g', { class: `series ${colourOf(one)} ${kind === 'faint' ? 'faint' : ''} ${one.dashed ? 'dashed' : ''}`, style: hueOf(one) },
      kind === 'dots' ? null : make('path', { class: 'stroke', d: parts.join('') }),
      kind === 'dots' || kind === 'both' || parts.length === 1 ? make('path', { class: 'points', d: dots }) : null);
  };

  const labels = (box, list, side) => fill(box, list.map(([at, text]) =>
    make('span', { style: `${side}:${(at * 100).toFixed(2)}%` }, text)));

  const draw = () => {
    fitAxes();
    const marks = (axis, wanted) => ticks(axis, 0, 1, wanted).map(([value, text]) => [placeOf(axis, value), text])
      .filter(([at]) => at >= -0.001 && at <= 1.001);
    // Steps are integers: there is nothing to mark between two of them.
    const across = marks(xAxis, 6).filter(([at]) => {
      const step = valueAt(xAxis, at);
      return Math.abs(step - Math.round(step)) < 0.01 || valueAt(xAxis, 1) - valueAt(xAxis, 0) < 2;
    });
    const along = marks(yAxis, small ? 4 : 5);
    labels(xTicks, across, 'left');
    labels(yTicks, along, 'bottom');
    grid.setAttribute('d', [...across.map(([at]) => `M${at * SIDE} 0V${SIDE}`), ...along.map(([at]) => `M0 ${(1 - at) * SIDE}H${SIDE}`)].join(''));
    drawing.replaceChildren(grid, ...shown().map(drawn));
    plot.classList.toggle('zoomed', range !== null);
    area.setAttribute('aria-label', description());
    if (readout) show();
  };

  // Text description: the last value of every curve.
  const description = () => {
    const last = one => `${one.name} ${number(one.y.findLast(value => value !== null) ?? NaN)}`;
    return `${title}: ${shown().slice(0, MOST_ROWS).map(last).join(', ')}`;
  };

  const drawLegend = () => {
    const several = series.length > 1;
    legend.hidden = !several;
    fill(legend, several ? series.map(one => {
      const toggle = () => {
        if (!hidden.delete(one.name)) hidden.add(one.name);
        drawLegend();
        draw();
      };
      // A double click shows only this series, or all again.
      const alone = () => {
        const others = series.map(other => other.name).filter(name => name !== one.name);
        hidden = others.every(name => hidden.has(name)) ? new Set() : new Set(others);
        drawLegend();
        draw();
      };
      return make('button', { type: 'button', class: hidden.has(one.name) ? 'off' : '', 'aria-pressed': String(!hidden.has(one.name)), on: { click: toggle, dblclick: alone } },
        make('i', { class: `swatch ${colourOf(one)} ${one.kind === 'faint' ? 'pale' : ''}`, style: hueOf(one) }), one.name);
    }) : []);
  };

  const hide = () => {
    readout?.remove();
    readout = null;
  };

  const show = () => {
    hide();
    if (pointer === null) return;
    const x = valueAt(xAxis, pointer);
    const rows = shown().map(one => {
      const index = nearest(one.x, x);
      return { one, at: one.x[index], value: one.y[index] };
    }).filter(row => row.value !== null && row.at >= valueAt(xAxis, 0) && row.at <= valueAt(xAxis, 1));
    if (rows.length === 0) return;
    const column = rows.reduce((best, row) => (Math.abs(row.at - x) < Math.abs(best - x) ? row.at : best), rows[0].at);
    const near = rows.filter(row => Math.abs(row.at - column) <= (valueAt(xAxis, 1) - valueAt(xAxis, 0)) * 0.04)
      .sort((a, b) => b.value - a.value).slice(0, MOST_ROWS);
    const left = placeOf(xAxis, column);
    const card = make('div', { class: 'card' }, make('b', {}, `${xTitle} ${number(column)}`), near.map(({ one, value }) =>
      make('span', { class: colourOf(one), style: hueOf(one) }, make('i'), make('span', { class: 'name' }, one.name), make('span', { class: 'value' }, number(value)))));
    readout = make('div', { class: 'readout' }, make('div', { class: 'column', style: `left:${left * 100}%` }), near.map(({ one, at, value }) => {
      const [px, py] = place(at, value);
      return isDrawn(value) ? make('i', { class: `dot ${colourOf(one)}`, style: `${hueOf(one)};left:${px / 10}%;top:${py / 10}%` }) : null;
    }), card);
    area.append(readout);
    const [box, size] = [area.getBoundingClientRect(), card.getBoundingClientRect()];
    const beside = left > 0.5 ? left * box.width - 14 - size.width : left * box.width + 14;
    card.style.left = `${Math.max(-50, Math.min(beside, box.width - size.width + 18))}px`;
    card.style.top = `${Math.max(0, (box.height - size.height) / 2)}px`;
  };

  const zoom = wanted => {
    range = wanted;
    hide();
    draw();
    zoomed(range);
  };

  const at = event => {
    const box = area.getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
  };
  reset.addEventListener('pointerdown', event => event.stopPropagation());
  area.addEventListener('pointerdown', event => {
    if (event.pointerType === 'touch' || event.button !== 0) return;
    area.setPointerCapture(event.pointerId);
    drag = { from: at(event), box: make('div', { class: 'selection' }) };
    area.append(drag.box);
  });
  area.addEventListener('pointermove', event => {
    pointer = at(event);
    if (!drag) return show();
    hide();
    const [low, high] = [Math.min(drag.from, pointer), Math.max(drag.from, pointer)];
    Object.assign(drag.box.style, { left: `${low * 100}%`, width: `${(high - low) * 100}%`, top: 0, height: '100%' });
  });
  const end = keep => {
    if (!drag) return;
    const [low, high] = [Math.min(drag.from, pointer ?? drag.from), Math.max(drag.from, pointer ?? drag.from)];
    drag.box.remove();
    drag = null;
    if (keep && high - low > 0.01) zoom([valueAt(xAxis, low), valueAt(xAxis, high)]);
  };
  area.addEventListener('pointerup', () => end(true));
  area.addEventListener('pointercancel', () => end(false));
  area.addEventListener('pointerleave', () => {
    if (drag) return;
    pointer = null;
    hide();
  });
  area.addEventListener('blur', () => {
    pointer = null;
    hide();
  });
  area.addEventListener('dblclick', () => zoom(null));
  // Arrow keys move the readout, plus and minus zoom around it, Escape shows everything.
  area.addEventListener('keydown', event => {
    const step = { ArrowLeft: -0.02, ArrowRight: 0.02 }[event.key];
    const factor = { '+': 0.5, '=': 0.5, '-': 2 }[event.key];
    if (step) {
      pointer = Math.max(0, Math.min(1, (pointer ?? 0.5) + step));
      show();
    } else if (factor) {
      const [low, high] = [valueAt(xAxis, 0), valueAt(xAxis, 1)];
      const [middle, half] = [valueAt(xAxis, pointer ?? 0.5), ((high - low) / 2) * factor];
      zoom([Math.max(farSteps ? 1 : 0, middle - half), middle + half]);
    } else if (event.key === 'Escape') zoom(null);
    else return;
    event.preventDefault();
  });

  const resized = new ResizeObserver(() => draw());
  resized.observe(area);
  return {
    node,
    // Shows these series; names that were hidden stay hidden.
    set: wanted => {
      const names = list => list.map(one => one.name).join('\n');
      const changed = names(wanted) !== names(series);
      series = wanted;
      if (changed) drawLegend();
      draw();
    },
    setLogarithmic: wanted => {
      logarithmic = wanted;
      draw();
    },
    // Uses a logarithmic step axis, for runs of very different lengths.
    setFarSteps: wanted => {
      farSteps = wanted;
      draw();
    },
    setTitle: text => { plot.querySelector('.y-title').textContent = text; },
    setRange: wanted => {
      range = wanted;
      draw();
    },
    close: () => resized.disconnect(),
  };
};

const colourOf = one => (one.hue === undefined ? `series-${one.colour ?? 0}` : 'hued');
const hueOf = one => (one.hue === undefined ? '' : `--hue:${one.hue.toFixed(1)}deg`);
