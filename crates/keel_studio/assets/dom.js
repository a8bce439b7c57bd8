// DOM elements from scripts. Texts are always inserted as text: external content never becomes markup, except for parts
// of reports, which the engine has escaped.

// Creates an element with attributes (true sets one without a value, null and false omit it; `on` has listeners) and children.
export const make = (tag, attributes = {}, ...children) => {
  const svg = ['svg', 'g', 'path', 'polyline'].includes(tag);
  const made = svg ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'on') Object.entries(value).forEach(([event, listener]) => made.addEventListener(event, listener));
    else if (value === true) made.setAttribute(name, '');
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value);
  }
  made.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined && child !== false));
  return made;
};

// Creates a link to a page of the studio.
export const link = (to, text, attributes = {}) => make('a', { href: to, ...attributes }, text);

// Creates a button with an action.
export const button = (text, action, attributes = {}) =>
  make('button', { type: 'button', ...attributes, on: { click: action } }, text);

// Creates a selection among `options`, pairs of value and text.
export const choice = (label, options, chosen, changed) => {
  const select = make('select', { on: { change: () => changed(select.value) } },
    options.map(([value, text]) => make('option', { value, selected: value === chosen }, text)));
  return make('label', { class: 'field' }, make('span', {}, label), select);
};

// Creates a checkbox.
export const tick = (label, checked, changed) => {
  const box = make('input', { type: 'checkbox', checked, on: { change: () => changed(box.checked) } });
  return make('label', { class: 'tick-box' }, box, label);
};

// Replaces the content of `parent`.
export const fill = (parent, ...children) =>
  parent.replaceChildren(...children.flat(Infinity).filter(child => child !== null && child !== undefined && child !== false));

// Calls `action` once, after no call has been made for `wait` milliseconds.
export const settled = (action, wait) => {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...values), wait);
  };
};
