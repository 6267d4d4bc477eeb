// One tap confirms every finding that has not been decided yet. Without this script
// each is decided by itself.

const all = /** @type {HTMLElement | null} */ (document.querySelector('[data-all]'));
if (all) {
  all.hidden = false;
  all.querySelector('[data-confirm-rest]')?.addEventListener('click', () => {
    for (const radio of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll('.decide input[value=confirm]'))) {
      const group = /** @type {NodeListOf<HTMLInputElement>} */ (document.getElementsByName(radio.name));
      if (![...group].some((r) => r.checked)) radio.checked = true;
    }
    document.getElementById('text')?.focus();
  });
}

export {};
