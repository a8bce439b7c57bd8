(() => {
  const errors = [];
  const unloaded = [];
  addEventListener('error', event => {
    if (event.target === window) errors.push(`${event.message} (line ${event.lineno})`);
    else unloaded.push(event.target.src || event.target.href);
  }, true);
  addEventListener('unhandledrejection', event => errors.push(`rejected: ${event.reason}`));
  const report = console.error;
  console.error = (...words) => { errors.push(words.join(' ')); report(...words); };

  const describe = element => {
    const words = (element.textContent || '').trim().slice(0, 40);
    return `<${element.tagName.toLowerCase()} class="${element.getAttribute('class') || ''}"> ${words}`;
  };

  const scrolls = element => {
    for (let box = element.parentElement; box && box !== document.body; box = box.parentElement) {
      if (getComputedStyle(box).overflowX !== 'visible') return true;
    }
    return false;
  };

  const overflowing = width => [...document.body.querySelectorAll('*')]
    .filter(element => element.getBoundingClientRect().right > width + 0.5 && !element.ownerSVGElement && !scrolls(element))
    .slice(0, 10).map(describe);

  const paint = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const colour = text => {
    paint.clearRect(0, 0, 1, 1);
    paint.fillStyle = text;
    paint.fillRect(0, 0, 1, 1);
    return [...paint.getImageData(0, 0, 1, 1).data];
  };
  const luminance = rgb => rgb.slice(0, 3)
    .map(part => part / 255)
    .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  const over = (front, back) => front.slice(0, 3).map((part, i) => (part * front[3] + back[i] * (255 - front[3])) / 255);

  const background = element => {
    const layers = [];
    for (let box = element; box; box = box.parentElement) {
      const style = getComputedStyle(box);
      if (style.backgroundImage !== 'none') return null;
      layers.push(colour(style.backgroundColor));
      if (layers.at(-1)[3] === 255) break;
    }
    const dark = matchMedia('(prefers-color-scheme: dark)').matches;
    return layers.reverse().reduce((back, layer) => over(layer, back), dark ? [18, 18, 18] : [255, 255, 255]);
  };

  const hasText = element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
  const faint = () => [...document.body.querySelectorAll('*')].filter(element => {
    if (!hasText(element) || !element.checkVisibility() || element.closest('script,style,title,svg')) return false;
    const back = background(element);
    if (!back) return false;
    const [high, low] = [luminance(over(colour(getComputedStyle(element).color), back)), luminance(back)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05) < 3;
  }).slice(0, 10).map(describe);

  const charts = () => [...document.querySelectorAll('svg')].map(svg => {
    const marks = svg.querySelectorAll('path,polyline,polygon,rect,circle,line,image').length;
    const bad = [];
    for (const element of [svg, ...svg.querySelectorAll('*')]) {
      for (const { name, value } of element.attributes) {
        const numeric = !/^(class|id|aria-.*|data-.*|href|style)$/.test(name);
        if (numeric && /NaN|Infinity|undefined|null|\binf\b/.test(value)) bad.push(`${element.tagName} ${name}="${value.slice(0, 60)}"`);
      }
    }
    return { label: svg.getAttribute('aria-label') || svg.getAttribute('class') || '', marks, bad: bad.slice(0, 5) };
  });

  const test = async () => { /*SCRIPT*/ };

  addEventListener('load', () => setTimeout(async () => {
    let result = null;
    try {
      result = (await test()) ?? null;
    } catch (error) {
      errors.push(`the test's script: ${error}`);
    }
    const root = document.documentElement;
    const loaded = performance.getEntriesByType('resource').map(entry => entry.name);
    const requests = [...new Set([...loaded, ...unloaded])].filter(name => !name.startsWith('data:'));
    parent.postMessage([window.name, JSON.stringify({
      errors, requests, result,
      client_width: root.clientWidth,
      scroll_width: Math.max(root.scrollWidth, document.body.scrollWidth),
      scroll_height: Math.max(root.scrollHeight, document.body.scrollHeight),
      overflowing: overflowing(root.clientWidth),
      faint: faint(),
      charts: charts(),
    })], '*');
  }, 50));
})();
