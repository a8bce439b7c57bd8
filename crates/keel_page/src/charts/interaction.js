// Readouts, zoom and legends of charts. The numbers of a chart are computed from its drawing: positions are 0 to 1000
// between the ends of its axes.
(() => {
  const words = document.documentElement.lang === 'zh'
    ? { reset: '还原', keys: '左右方向键读数，Esc 键还原缩放' }
    : { reset: 'Reset zoom', keys: 'arrow keys read values, Escape resets the zoom' };
  const SIDE = 1000;
  const SMALLEST_VIEW = 1 / 400;
  const ROWS = 12;

  const element = (tag, className, parent) => {
    const made = document.createElement(tag);
    made.className = className;
    parent.append(made);
    return made;
  };

  const isAscending = points => points.every((point, index) => index === 0 || point[0] >= points[index - 1][0]);

  // A point may be part of a line, a dot, or both.
  const pointsOf = group => {
    const onLines = [...group.querySelectorAll('polyline')].flatMap(line => line.getAttribute('points').split(' '));
    const dots = [...group.querySelectorAll('path.points')]
      .flatMap(path => path.getAttribute('d').split('M').slice(1).map(dot => dot.slice(0, -2)));
    const known = new Set(onLines);
    const numbers = list => list.map(pair => pair.split(',').map(Number));
    const line = numbers(onLines);
    const all = [...line, ...numbers(dots.filter(dot => !known.has(dot)))];
    return line.length > 0 && isAscending(line) ? all.sort((a, b) => a[0] - b[0]) : all;
  };

  // Returns the points of an ascending list on either side of `x`.
  const around = (points, x) => {
    let [low, high] = [0, points.length - 1];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (points[middle][0] < x) low = middle; else high = middle;
    }
    return [points[low], points[high]];
  };
  const nearest = (points, x) => {
    const [before, after] = around(points, x);
    return x - before[0] < after[0] - x ? before : after;
  };

  // Returns the position of a curve at `x`: its nearest dot, or a point on its line.
  const read = ({ points, dotted }, x) => {
    const [before, after] = around(points, x);
    if (dotted || after[0] === before[0]) return nearest(points, x);
    const share = Math.max(0, Math.min(1, (x - before[0]) / (after[0] - before[0])));
    return [before[0] + share * (after[0] - before[0]), before[1] + share * (after[1] - before[1])];
  };

  const seriesOf = svg => [...svg.querySelectorAll('g.series')].map(group => {
    const points = pointsOf(group);
    const dotted = group.querySelector('.points') !== null;
    return { group, points, dotted, ascending: isAscending(points), name: group.dataset.name };
  }).filter(series => series.points.length > 0);

  const start = plot => {
    const area = plot.querySelector('.area');
    const svg = area.querySelector('svg');
    const [xAxis, yAxis] = [axisOf(plot.dataset.x), axisOf(plot.dataset.y)];
    const view = { left: 0, right: 1, bottom: 0, top: 1 };
    let series = null;
    let readout = null;
    let pointer = { x: 0.5, y: 0.5 };
    let drag = null;

    const labels = (box, list, side) => {
      box.replaceChildren(...list.map(([at, label]) => {
        const text = document.createElement('span');
        text.style[side] = `${(at * 100).toFixed(2)}%`;
        text.textContent = label;
        return text;
      }));
    };

    const redraw = () => {
      const { left, right, bottom, top } = view;
      const zoomed = left > 0 || right < 1 || bottom > 0 || top < 1;
      svg.setAttribute('viewBox', `${left * SIDE} ${(1 - top) * SIDE} ${(right - left) * SIDE} ${(top - bottom) * SIDE}`);
      const inside = list => list.filter(([at]) => at >= -0.001 && at <= 1.001);
      const xTicks = inside(ticks(xAxis, left, right, 6).map(([value, label]) => [(placeOf(xAxis, value) - left) / (right - left), label]));
      const yTicks = inside(ticks(yAxis, bottom, top, 5).map(([value, label]) => [(placeOf(yAxis, value) - bottom) / (top - bottom), label]));
      labels(plot.querySelector('.x-ticks'), xTicks, 'left');
      labels(plot.querySelector('.y-ticks'), yTicks, 'bottom');
      const across = xTicks.map(([at]) => `M${(left + at * (right - left)) * SIDE} 0V${SIDE}`);
      const along = yTicks.map(([at]) => `M0 ${(1 - bottom - at * (top - bottom)) * SIDE}H${SIDE}`);
      svg.querySelector('.grid').setAttribute('d', [...across, ...along].join(''));
      plot.classList.toggle('zoomed', zoomed);
    };

    const reset = () => {
      Object.assign(view, { left: 0, right: 1, bottom: 0, top: 1 });
      hide();
      redraw();
    };

    const hide = () => {
      readout?.box.remove();
      readout = null;
    };

    const place = (point, box) => ({
      x: ((point[0] / SIDE - view.left) / (view.right - view.left)) * box.width,
      y: ((view.top - 1 + point[1] / SIDE) / (view.top - view.bottom)) * box.height,
    });

    // Points to read out: for curves those nearest to the pointer's column, for clouds the nearest one.
    const chosen = box => {
      const visible = series.filter(one => !one.group.classList.contains('hidden'));
      const at = { x: pointer.x * box.width, y: pointer.y * box.height };
      const x = (view.left + pointer.x * (view.right - view.left)) * SIDE;
      const seen = point => {
        const { x: left, y: top } = place(point, box);
        return left >= -1 && left <= box.width + 1 && top >= -1 && top <= box.height + 1;
      };
      const far = point => {
        const { x: left, y: top } = place(point, box);
        return Math.hypot(left - at.x, top - at.y);
      };
      const closest = list => list.reduce((best, pair) => (!best || far(pair.point) < far(best.point) ? pair : best), null);
      if (visible.some(one => !one.ascending)) {
        const best = closest(visible.flatMap(one => one.points.filter(seen).map(point => ({ one, point }))));
        return { column: best?.point[0], pairs: best ? [best] : [] };
      }
      const pairs = visible.map(one => ({ one, point: nearest(one.points, x) }));
      const closer = (best, { point }) => (best === null || Math.abs(point[0] - x) < Math.abs(best - x) ? point[0] : best);
      const column = pairs.reduce(closer, null);
      const reach = Math.max(2, ((view.right - view.left) * SIDE * 4) / box.width);
      const spans = ({ points }) => points[0][0] - reach <= column && column <= points.at(-1)[0] + reach;
      const near = pairs.filter(({ one }) => spans(one)).map(({ one }) => ({ one, point: read(one, column) }))
        .filter(({ point }) => seen(point));
      const shown = near.sort((a, b) => far(a.point) - far(b.point)).slice(0, ROWS).sort((a, b) => a.point[1] - b.point[1]);
      return { column, pairs: shown };
    };

    const show = () => {
      series ??= seriesOf(svg);
      hide();
      const box = area.getBoundingClientRect();
      const { column, pairs } = chosen(box);
      if (pairs.length === 0) return;
      const layer = element('div', 'readout', area);
      readout = { box: layer };
      const at = place([column, 0], box).x;
      element('div', 'column', layer).style.left = `${at}px`;
      const card = element('div', 'card', layer);
      const title = element('b', '', card);
      title.textContent = `${plot.querySelector('.x-title').textContent} ${number(valueAt(xAxis, column / SIDE))}`;
      for (const { one, point } of pairs) {
        const spot = place(point, box);
        const dot = element('i', `dot ${one.group.getAttribute('class')}`, layer);
        dot.style.cssText = `${one.group.getAttribute('style') ?? ''};left:${spot.x}px;top:${spot.y}px`;
        const row = element('span', one.group.getAttribute('class'), card);
        row.style.cssText = one.group.getAttribute('style') ?? '';
        element('i', '', row);
        element('span', 'name', row).textContent = one.name;
        element('span', 'value', row).textContent = number(valueAt(yAxis, 1 - point[1] / SIDE));
      }
      const size = card.getBoundingClientRect();
      const left = at > box.width / 2 ? at - 14 - size.width : at + 14;
      card.style.left = `${Math.max(-50, Math.min(left, box.width - size.width + 18))}px`;
      card.style.top = `${Math.max(0, Math.min(pointer.y * box.height - size.height / 2, box.height - size.height))}px`;
    };

    const follow = event => {
      const box = area.getBoundingClientRect();
      const inside = value => Math.max(0, Math.min(1, value));
      pointer = { x: inside((event.clientX - box.left) / box.width), y: inside((event.clientY - box.top) / box.height) };
    };

    // A selection that is flat in one direction zooms only in the other.
    const selection = () => {
      const box = area.getBoundingClientRect();
      const [width, height] = [Math.abs(pointer.x - drag.x) * box.width, Math.abs(pointer.y - drag.y) * box.height];
      const [wide, tall] = [width > 12, height > 24 || (width <= 12 && height > 12)];
      const [left, right] = wide ? [Math.min(pointer.x, drag.x), Math.max(pointer.x, drag.x)] : [0, 1];
      const [top, bottom] = tall ? [Math.min(pointer.y, drag.y), Math.max(pointer.y, drag.y)] : [0, 1];
      return { left, right, top, bottom, any: wide || tall };
    };

    const zoom = ({ left, right, top, bottom }) => {
      const [width, height] = [view.right - view.left, view.top - view.bottom];
      if (width * (right - left) < SMALLEST_VIEW || height * (bottom - top) < SMALLEST_VIEW) return;
      Object.assign(view, {
        left: view.left + left * width,
        right: view.left + right * width,
        top: view.top - top * height,
        bottom: view.top - bottom * height,
      });
      redraw();
    };

    area.tabIndex = 0;
    area.setAttribute('role', 'group');
    area.setAttribute('aria-label', `${plot.querySelector('.y-title').textContent}: ${words.keys}`);
    const spoken = element('div', 'spoken', area);
    spoken.setAttribute('role', 'status');
    const button = element('button', 'reset', area);
    button.type = 'button';
    button.textContent = words.reset;
    button.addEventListener('click', reset);
    button.addEventListener('pointerdown', event => event.stopPropagation());
    area.addEventListener('dblclick', reset);
    area.addEventListener('pointerleave', () => { if (!drag) hide(); });
    area.addEventListener('blur', hide);
    area.addEventListener('pointerdown', event => {
      follow(event);
      if (event.pointerType === 'touch' || event.button !== 0) return;
      area.setPointerCapture(event.pointerId);
      drag = { ...pointer, box: element('div', 'selection', area) };
    });
    area.addEventListener('pointermove', event => {
      follow(event);
      if (!drag) return show();
      hide();
      const { left, right, top, bottom, any } = selection();
      const percent = value => `${value * 100}%`;
      Object.assign(drag.box.style, { left: percent(left), width: percent(right - left), top: percent(top), height: percent(bottom - top), opacity: any ? 1 : 0 });
    });
    const finish = keep => {
      if (!drag) return;
      const chosenPart = selection();
      drag.box.remove();
      drag = null;
      if (keep && chosenPart.any) zoom(chosenPart);
    };
    area.addEventListener('pointerup', () => finish(true));
    area.addEventListener('pointercancel', () => finish(false));
    area.addEventListener('keydown', event => {
      const step = { ArrowLeft: -0.02, ArrowRight: 0.02 }[event.key];
      if (step) {
        pointer.x = Math.max(0, Math.min(1, pointer.x + step));
        show();
        const rows = [...area.querySelectorAll('.card > *')].map(row => [...row.childNodes].map(part => part.textContent).join(' ').trim());
        spoken.textContent = rows.join(', ');
        event.preventDefault();
      } else if (event.key === 'Escape') reset();
    });

    const legend = plot.nextElementSibling;
    if (!legend?.classList.contains('legend')) return;
    const groups = [...svg.querySelectorAll('g.series')];
    const entries = [...legend.querySelectorAll(':scope > span')];
    const apply = (index, shown) => {
      groups[index].classList.toggle('hidden', !shown);
      entries[index].classList.toggle('off', !shown);
      entries[index].setAttribute('aria-pressed', String(shown));
    };
    entries.forEach((entry, index) => {
      entry.setAttribute('role', 'button');
      entry.setAttribute('aria-pressed', 'true');
      entry.tabIndex = 0;
      entry.addEventListener('click', () => apply(index, groups[index].classList.contains('hidden')));
      entry.addEventListener('keydown', event => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        entry.click();
      });
      // A double click shows only this series, or all again.
      entry.addEventListener('dblclick', () => {
        const alone = groups.every((group, other) => other === index || group.classList.contains('hidden'));
        groups.forEach((_, other) => apply(other, alone || other === index));
      });
    });
  };

  // Scrolling boxes can be reached and scrolled with the keyboard.
  const reachable = () => document.querySelectorAll('.table, .formula, .legend').forEach(box => {
    if (box.scrollWidth <= box.clientWidth && box.scrollHeight <= box.clientHeight) return;
    box.tabIndex = 0;
    box.setAttribute('role', 'group');
    const caption = box.querySelector('caption')?.textContent ?? box.closest('figure')?.querySelector('figcaption')?.textContent;
    if (caption) box.setAttribute('aria-label', caption);
  });

  const startAll = root => root.querySelectorAll('.plot:not([data-started])').forEach(plot => {
    plot.dataset.started = '';
    start(plot);
  });
  startAll(document);
  // A page that adds charts later dispatches `chartsadded` on the element that contains them.
  document.addEventListener('chartsadded', event => { startAll(event.target); reachable(); });
  reachable();
  addEventListener('resize', reachable);

  // Content folded on screen is shown in print.
  addEventListener('beforeprint', () => document.querySelectorAll('details').forEach(details => { details.open = true; }));
})();
