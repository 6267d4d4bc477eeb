// The button that prints a page. Without this module the browser's own menu does.
// @ts-check

for (const b of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll('button[data-print]'))) {
  b.hidden = false;
  b.addEventListener('click', () => print());
}
