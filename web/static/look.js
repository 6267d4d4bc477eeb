// The page of a look has many forms, and each loads it anew. What is typed stays: it is put
// by when a form is sent, and put back when the page is there again, upon what it was written
// on, so that the server still tells what somebody changed meanwhile.
// Stills that are being taken are asked for until they are there.
// @ts-check

const words = /** @type {HTMLElement} */ (document.getElementById('look-words')).dataset;
const place = `look ${words.who} ${location.pathname}`;
const said = document.createElement('div');
said.className = 'said bad';
said.setAttribute('role', 'alert');
document.body.append(said);

const forms = () => /** @type {HTMLFormElement[]} */ ([...document.querySelectorAll('main form[data-form]')]);

/** The fields of a form that somebody may fill in. @param {HTMLFormElement} form */
const fields = (form) => /** @type {(HTMLInputElement | HTMLTextAreaElement)[]} */ ([...form.elements]).filter((f) => f.dataset.stands !== undefined);

/** What a field says. @param {HTMLInputElement | HTMLTextAreaElement} f */
const value = (f) => f instanceof HTMLInputElement && (f.type === 'radio' || f.type === 'checkbox') ? (f.checked ? '1' : '') : f.value.trim();

/** Whether a form says something else than what stands. @param {HTMLFormElement} form */
const typed = (form) => fields(form).some((f) => value(f) !== f.dataset.stands);

/** What a form was written upon. @param {HTMLFormElement} form */
const ground = (form) => /** @type {HTMLInputElement | null} */ (form.querySelector('input[name=was], input[name=texts]'));

/** Puts by what is typed, when a form is sent. @param {HTMLFormElement} sent */
function putBy(sent) {
  sessionStorage.setItem(place, JSON.stringify(forms().filter(typed).map((f) => ({ form: f.dataset.form, sent: f === sent, on: ground(f)?.value, values: fields(f).map(value) }))));
}

/** Puts back what was put by; what was sent too, where no answer says that it was done. */
function putBack() {
  /** @type {{form: string, sent: boolean, on?: string, values: string[]}[]} */
  const kept = JSON.parse(sessionStorage.getItem(place) ?? '[]');
  sessionStorage.removeItem(place);
  const done = new URLSearchParams(location.search).has('done');
  for (const { form: name, sent, on, values } of kept) {
    const form = forms().find((f) => f.dataset.form === name);
    if (!form || sent && done || fields(form).length !== values.length || fields(form).every((f, i) => value(f) === values[i])) continue;
    fields(form).forEach((f, i) => {
      if (f instanceof HTMLInputElement && (f.type === 'radio' || f.type === 'checkbox')) f.checked = values[i] === '1';
      else f.value = values[i];
    });
    const written = ground(form), around = form.closest('details');
    if (written && on) written.value = on;
    if (around) around.open = true;
  }
}

let leaving = false;

document.addEventListener('submit', (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target), button = /** @type {HTMLButtonElement | null} */ (event.submitter);
  if (!form.dataset.form) return;
  const other = button?.value === 'send' && forms().find((f) => f !== form && typed(f));
  if (other) { // the minutes go out without it
    event.preventDefault();
    const around = other.closest('details');
    if (around) around.open = true;
    fields(other)[0]?.focus();
    said.classList.add('bad');
    said.textContent = words.unsent ?? '';
    return;
  }
  putBy(form);
  leaving = true;
});

document.addEventListener('input', () => { said.textContent = ''; });

addEventListener('pageshow', () => { leaving = false; });

addEventListener('beforeunload', (event) => {
  if (!leaving && forms().some(typed)) event.preventDefault();
});

/** Asks for stills until all are there, and puts in what came and what it changes. */
async function refresh() {
  const list = /** @type {HTMLElement} */ (document.getElementById('look-stills'));
  for (let wait = 1000; Number(list.dataset.coming) > 0; wait = Math.min(5000, wait * 1.3)) {
    await new Promise((done) => setTimeout(done, wait));
    try {
      const answer = await fetch(location.pathname, { headers: { Accept: 'text/html' } });
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const now = page.getElementById('look-stills');
      if (answer.status < 500 && !now) return; // signed out, or the look is over
      if (!answer.ok || !now) continue;
      for (const fresh of /** @type {NodeListOf<HTMLElement>} */ (now.querySelectorAll('[data-still]'))) {
        const old = document.getElementById(fresh.id);
        if (old && old.dataset.state !== fresh.dataset.state) old.replaceWith(document.adoptNode(fresh));
      }
      for (const id of ['look-bounds', 'look-next']) {
        const [old, fresh] = [document.getElementById(id), page.getElementById(id)];
        if (old && fresh && !old.contains(document.activeElement)) old.replaceWith(document.adoptNode(fresh));
      }
      list.dataset.coming = now.dataset.coming ?? '0';
    } catch {
      // No network: the next round asks again.
    }
  }
}

const done = document.querySelector('main > .notice.good');
if (done && location.hash) { // it stands at the head of the page, out of sight
  said.classList.remove('bad');
  said.textContent = done.textContent?.trim() ?? '';
  setTimeout(() => { if (!said.classList.contains('bad')) said.textContent = ''; }, 8000);
}
putBack();
void refresh();

export {};
