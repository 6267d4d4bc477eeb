// The page of a look. Its forms are sent without leaving the page, and stills that are being
// taken are asked for until they are there; either way what is typed elsewhere stays as it
// is. Without this script every form loads the page anew.
// @ts-check

const words = /** @type {HTMLElement} */ (document.getElementById('look-words')).dataset;
const said = document.createElement('div');
said.className = 'said';
said.setAttribute('role', 'status');
document.body.append(said);

/** @type {ReturnType<typeof setTimeout> | undefined} */
let passing; // until what was said goes
/** @type {HTMLFormElement | undefined} */
let going; // the form with which the page is left

const main = () => /** @type {HTMLElement} */ (document.querySelector('main'));
const forms = () => /** @type {NodeListOf<HTMLFormElement>} */ (main().querySelectorAll('form[data-form]'));

/** The form of a page that has the same task. @param {ParentNode} page @param {HTMLFormElement} form */
const counterpart = (page, form) => /** @type {HTMLFormElement | null} */ (page.querySelector(`form[data-form="${CSS.escape(form.dataset.form ?? '')}"]`));

/** Whether something was typed into a form that was not sent, or was refused. @param {HTMLFormElement} form */
function typed(form) {
  return 'refused' in form.dataset || [...form.elements].some((field) =>
    field instanceof HTMLTextAreaElement ? field.value !== field.defaultValue
      : field instanceof HTMLInputElement && field.type !== 'hidden' && (field.type === 'radio' || field.type === 'checkbox' ? field.checked !== field.defaultChecked : field.value !== field.defaultValue));
}

/** @param {string} text */
const parse = (text) => new DOMParser().parseFromString(text, 'text/html');

/** Whether a page is this one. @param {Document} page */
const ours = (page) => page.getElementById('look-stills') !== null;

/** Says what was done, or why not. @param {string} text @param {boolean} bad */
function say(text, bad) {
  said.textContent = text;
  said.classList.toggle('bad', bad);
  clearTimeout(passing);
  if (!bad) passing = setTimeout(() => { said.textContent = ''; }, 8000);
}

/**
 * Puts a page in the place of what is shown. Forms with something typed stay, with what they
 * were written upon; pictures are not loaded again; what was opened stays open.
 * @param {Document} page @param {HTMLFormElement} [sent] whose answer it is
 */
function put(page, sent) {
  const old = main(), fresh = /** @type {HTMLElement} */ (page.querySelector('main'));
  for (const form of forms()) {
    const place = form === sent ? null : counterpart(fresh, form);
    if (!place) continue;
    const open = form.closest('details')?.open;
    if (typed(form)) {
      const [shown, now] = [form, place].map((f) => /** @type {HTMLInputElement | null} */ (f.querySelector('input[name=shown]')));
      if (shown && now) shown.value = now.value; // it stands on the page
      place.replaceWith(form);
    }
    const around = (typed(form) ? form : place).closest('details');
    if (around && open) around.open = true;
  }
  const loaded = new Map([...old.querySelectorAll('img')].map((img) => [img.src, img]));
  for (const img of fresh.querySelectorAll('img')) {
    const there = loaded.get(img.src);
    loaded.delete(img.src);
    if (there) img.replaceWith(there);
  }
  if (sent) {
    const notice = fresh.querySelector(':scope > .notice');
    say(notice?.textContent?.trim() ?? '', notice?.classList.contains('bad') ?? false);
    notice?.remove();
  }
  old.replaceWith(document.adoptNode(fresh));
  const again = sent && counterpart(fresh, sent);
  if (again) /** @type {HTMLElement | null} */ (again.closest('details')?.querySelector('summary') ?? again.querySelector('button'))?.focus({ preventScroll: true });
}

document.addEventListener('submit', async (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target), button = /** @type {HTMLButtonElement | null} */ (event.submitter);
  if (!form.dataset.form) return;
  event.preventDefault();
  if ('busy' in form.dataset) return;
  const other = button?.value === 'send' && [...forms()].find((f) => f !== form && typed(f));
  if (other) { // the minutes go out without it
    say(words.unsent ?? '', true);
    const around = other.closest('details');
    if (around) around.open = true;
    /** @type {HTMLElement | null} */ (other.querySelector('button'))?.focus();
    return;
  }
  const data = new FormData(form);
  if (button?.name) data.append(button.name, button.value);
  form.dataset.busy = '';
  form.inert = true; // what is typed from now on would not be in it
  button?.setAttribute('aria-busy', 'true');
  say(words.sending ?? '', false);
  try {
    const answer = await fetch(form.action, { method: 'POST', body: new URLSearchParams(/** @type {any} */ (data)), headers: { Accept: 'text/html' } });
    const page = parse(await answer.text());
    if (ours(page)) {
      put(page, form);
      void refresh();
      return;
    }
    going = form;
    if (answer.ok && answer.redirected) {
      location.assign(answer.url);
      return;
    }
    if (button?.name) form.append(Object.assign(document.createElement('input'), { type: 'hidden', name: button.name, value: button.value }));
    form.submit(); // what came is a page of its own: it is asked for again, and shown
  } catch {
    say(words.failed ?? '', true); // nothing came back: sent again it counts once
  } finally {
    form.inert = false;
    delete form.dataset.busy;
    button?.removeAttribute('aria-busy');
    if (said.classList.contains('bad') && button?.isConnected) button.focus({ preventScroll: true });
  }
});

addEventListener('beforeunload', (event) => {
  if ([...forms()].some((f) => f !== going && typed(f))) event.preventDefault();
});

let asking = false;

/** Asks for stills until all are there. While somebody writes, only what came is put in. */
async function refresh() {
  if (asking) return;
  asking = true;
  let behind = false;
  for (let wait = 1000; behind || Number(document.getElementById('look-stills')?.dataset.coming) > 0; wait = Math.min(5000, wait * 1.3)) {
    await new Promise((done) => setTimeout(done, wait));
    try {
      const answer = await fetch(location.pathname, { headers: { Accept: 'text/html' } });
      const page = parse(await answer.text());
      if (!answer.ok || !ours(page)) continue;
      const states = (/** @type {ParentNode} */ in_) => [...in_.querySelectorAll('[data-still]')].map((e) => `${e.id} ${/** @type {HTMLElement} */ (e).dataset.state}`).join();
      if (!behind && states(document) === states(page)) continue;
      behind = document.activeElement instanceof HTMLTextAreaElement || document.activeElement instanceof HTMLInputElement && document.activeElement.type === 'text';
      if (!behind) {
        put(page);
        continue;
      }
      for (const fresh of /** @type {NodeListOf<HTMLElement>} */ (page.querySelectorAll('[data-still]'))) {
        const old = /** @type {HTMLElement | null} */ (document.getElementById(fresh.id));
        if (old && old.dataset.state !== fresh.dataset.state && !old.contains(document.activeElement)) old.replaceWith(document.adoptNode(fresh));
      }
    } catch {
      // No network: the next round asks again.
    }
  }
  asking = false;
}

void refresh();

export {};
