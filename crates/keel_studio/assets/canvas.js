// Common parts of canvas drawings.

// Calls `draw` when the size of `canvas` or the reader's colours change, and for printing; returns a function that stops this.
export const redrawn = (canvas, draw) => {
  const size = new ResizeObserver(draw);
  size.observe(canvas);
  const scheme = matchMedia('(prefers-color-scheme: dark)');
  const paper = matchMedia('print');
  [scheme, paper].forEach(query => query.addEventListener('change', draw));
  return () => {
    size.disconnect();
    [scheme, paper].forEach(query => query.removeEventListener('change', draw));
  };
};
