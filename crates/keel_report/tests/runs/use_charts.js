// Uses every chart as a reader would; returns what did not work, in words.
const faults = [];
document.querySelectorAll('details').forEach(details => { details.open = true; });
for (const plot of document.querySelectorAll('.plot')) {
  const area = plot.querySelector('.area');
  const name = plot.querySelector('.y-title').textContent;
  const box = area.getBoundingClientRect();
  if (box.width < 150 || box.height < 100) faults.push(`${name}: ${box.width} by ${box.height}`);
  const at = (x, y) => ({ clientX: box.left + x * box.width, clientY: box.top + y * box.height, bubbles: true, pointerId: 1, pointerType: 'mouse', button: 0 });
  area.setPointerCapture = () => {};
  const send = (type, x, y) => area.dispatchEvent(new PointerEvent(type, at(x, y)));
  const values = [];
  for (const x of [0.02, 0.5, 0.98]) {
    send('pointermove', x, 0.5);
    values.push(...[...area.querySelectorAll('.card .value')].map(value => value.textContent));
  }
  if (values.length === 0) faults.push(`${name}: no readout`);
  if (values.some(value => value === '' || value === 'NaN')) faults.push(`${name}: reads ${values}`);
  const series = [...plot.querySelectorAll('g.series')];
  const curves = series.every(group => group.querySelector('polyline') && !group.querySelector('path.points.many'));
  if (curves && series.length > 1 && values.length < 4) faults.push(`${name}: reads one curve of ${series.length}`);
  const before = plot.querySelector('.x-ticks').textContent;
  send('pointerdown', 0.3, 0.5);
  send('pointermove', 0.6, 0.51);
  send('pointerup', 0.6, 0.51);
  if (!plot.classList.contains('zoomed')) faults.push(`${name}: does not zoom`);
  if (plot.querySelector('.x-ticks').textContent === before) faults.push(`${name}: keeps its labels`);
  area.dispatchEvent(new MouseEvent('dblclick', { bubbles: true }));
  if (plot.classList.contains('zoomed')) faults.push(`${name}: stays zoomed`);
  send('pointerleave', 0.5, 0.5);
  const legend = plot.nextElementSibling;
  if (legend?.classList.contains('legend')) {
    const entry = legend.querySelector('span');
    entry.click();
    if (!plot.querySelector('g.series').classList.contains('hidden')) faults.push(`${name}: legend does nothing`);
    entry.click();
  }
}
return faults.join('; ');
