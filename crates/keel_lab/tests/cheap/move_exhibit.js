const page = document.documentElement;
const pause = milliseconds => new Promise(done => setTimeout(done, milliseconds));
const settled = async () => {
  const start = Date.now();
  await pause(20);
  while (page.dataset.settled !== 'yes') {
    if (Date.now() - start > 90000) throw new Error('no answer');
    await pause(10);
  }
};
const seen = [];
const note = async (what, kind) => {
  await settled();
  const numbers = document.getElementById('numbers');
  const status = document.getElementById('status');
  if (!numbers.dataset.question) throw new Error(`${what}: no answer: ${status.textContent}`);
  seen.push({
    what, kind, question: JSON.parse(numbers.dataset.question), numbers: JSON.parse(numbers.textContent),
    failed: status.classList.contains('failed') ? status.textContent : '', address: location.hash,
  });
};
const controls = document.getElementById('controls');
for (const input of [...controls.querySelectorAll('input[type=range]')]) {
  const [low, high] = [Number(input.min), Number(input.max)];
  const before = input.value;
  input.value = low + 0.35 * (high - low);
  if (input.value === before) input.value = low + 0.5 * (high - low);
  input.dispatchEvent(new Event('input', { bubbles: true }));
  await note(`slider ${input.dataset.knob}`, 'slider');
  if (!location.hash.includes(`${input.dataset.knob}=`)) throw new Error(`${input.dataset.knob} is not in the address ${location.hash}`);
}
// Few steps, over which trainings of two engines can be compared.
for (const input of [...controls.querySelectorAll('input[type=range][data-knob=steps]')]) {
  input.value = input.min;
  input.dispatchEvent(new Event('input', { bubbles: true }));
  await note('fewest steps', 'slider');
}
document.getElementById('reset').click();
await note('reset', 'button');
if (location.hash !== '') throw new Error(`after the reset the address has ${location.hash}`);
for (const select of [...controls.querySelectorAll('select')]) {
  select.selectedIndex = (select.selectedIndex + 1) % select.options.length;
  select.dispatchEvent(new Event('input', { bubbles: true }));
  await note(`list ${select.dataset.knob}`, 'list');
}
for (const box of [...controls.querySelectorAll('input[type=checkbox], input[type=radio]:not(:checked)')]) {
  box.click();
  await note(`${box.type} ${box.dataset.knob} ${box.value}`, box.type);
}
for (const button of [...controls.querySelectorAll('[data-settings]')]) {
  // Layers of 4,096 units take ten seconds of a browser each.
  if ((JSON.parse(button.dataset.settings).width ?? 0) > 1024) continue;
  button.click();
  await note(`preset ${button.textContent}`, 'preset');
}
document.getElementById('reset').click();
await note('reset', 'button');
for (const box of [...controls.querySelectorAll('[data-play]')]) {
  box.querySelector('.begin').click();
  await note(`begin ${box.dataset.play}`, 'step');
  box.querySelector('.step').click();
  await note(`step ${box.dataset.play}`, 'step');
  box.querySelector('.run').click();
  await pause(300);
  if (box.querySelector('.run').getAttribute('aria-pressed') === 'true') box.querySelector('.run').click();
  await note(`play ${box.dataset.play}`, 'play');
}
document.getElementById('reset').click();
await note('reset', 'button');
const plot = document.querySelector('.movable .area');
if (plot) {
  const box = plot.getBoundingClientRect();
  const at = (x, y) => ({ bubbles: true, clientX: box.left + x * box.width, clientY: box.top + y * box.height, button: 0, pointerId: 1 });
  plot.dispatchEvent(new PointerEvent('pointerdown', at(0.3, 0.4)));
  const figures = document.getElementById('figures');
  for (const x of [0.4, 0.5, 0.62]) figures.dispatchEvent(new PointerEvent('pointermove', at(x, 0.3)));
  figures.dispatchEvent(new PointerEvent('pointerup', at(0.62, 0.3)));
  await note('drag', 'drag');
  if (location.hash === '') throw new Error('dragging changed nothing');
}
const draw = document.getElementById('draw');
if (draw) {
  draw.click();
  await note('other random numbers', 'button');
}
return seen;
