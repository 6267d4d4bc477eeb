// The page of a look has many forms, and each loads it anew. What is typed stays: it is put
// by when a form is sent, and put back when the page is there again, upon what it was written
// on, so that the server still tells what somebody changed meanwhile.
// Stills that are being taken are asked for until they are there.
// @ts-check

const words = /** @type {HTMLElement} */ (document.getElementById('look-words')).dataset;
const address = words.page ?? ''; // of this page: a refusal may stand at another
const place = `look ${words.who} ${address}`;
const said = document.createElement('div');
said.className = 'said bad';
said.setAttribute('role', 'alert');
document.body.append(said);

const forms = () => /** @type {HTMLFormElement[]} */ ([...document.querySelectorAll('main form[data-form]')]);

/** The fields of a form that somebody may fill in. @param {HTMLFormElement} form */
const fields = (form) => /** @type {(HTMLInputElement | HTMLTextAreaElement)[]} */ ([...form.elements]).filter((f) => f.dataset.stands !== undefined);

/** @param {HTMLInputElement | HTMLTextAreaElement} f */
const radio = (f) => f.type === 'radio';

/** What a field is called, a choice with what it says. @param {HTMLInputElement | HTMLTextAreaElement} f */
const called = (f) => radio(f) ? `${f.name} ${f.value}` : f.name;

/** What a field says. @param {HTMLInputElement | HTMLTextAreaElement} f */
const value = (f) => radio(f) ? (/** @type {HTMLInputElement} */ (f).checked ? '1' : '') : f.value.trim();

/** @param {HTMLInputElement | HTMLTextAreaElement} f */
const differs = (f) => value(f) !== f.dataset.stands;

/** Whether a form says something else than what stands. @param {HTMLFormElement} form */
const typed = (form) => fields(form).some(differs);

/** What a form was written upon. @param {HTMLFormElement} form */
const ground = (form) => /** @type {HTMLInputElement | null} */ (form.querySelector('input[name=was], input[name=texts]'));

/** @param {HTMLElement} e */
function open(e) {
  const around = e.closest('details');
  if (around) around.open = true;
}

/** @type {HTMLFormElement | undefined} */
let sent;
let leaving = false, over = false;

/** Puts by what is typed. */
function putBy() {
  const kept = over ? [] : forms().filter(typed).map((f) => ({ form: f.dataset.form, sent: f === sent, on: ground(f)?.value, values: Object.fromEntries(fields(f).map((x) => [called(x), value(x)])) }));
  if (kept.length > 0) sessionStorage.setItem(place, JSON.stringify(kept));
  else sessionStorage.removeItem(place);
}

/**
 * Puts back what was put by; what was sent too, where no answer says what became of it.
 * @param {boolean} answered
 */
function putBack(answered) {
  /** @type {{form: string, sent: boolean, on?: string, values: Record<string, string>}[]} */
  const kept = JSON.parse(sessionStorage.getItem(place) ?? '[]');
  sessionStorage.removeItem(place);
  for (const { form: name, sent: was, on, values } of kept) {
    const form = forms().find((f) => f.dataset.form === name), other = form && fields(form).filter((f) => called(f) in values && value(f) !== values[called(f)]);
    if (!form || !other?.length || was && answered) continue;
    for (const f of other) {
      if (radio(f)) /** @type {HTMLInputElement} */ (f).checked = values[called(f)] === '1';
      else f.value = values[called(f)];
    }
    const written = ground(form);
    if (written && on) written.value = on;
    open(form);
  }
}

document.addEventListener('submit', (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target), button = /** @type {HTMLButtonElement | null} */ (event.submitter);
  if (!form.dataset.form) return;
  const other = button?.value === 'send' && forms().find((f) => f !== form && typed(f));
  if (other) { // the minutes go out without it
    event.preventDefault();
    open(other);
    fields(other).find(differs)?.focus();
    said.classList.add('bad');
    said.textContent = words.unsent ?? '';
    return;
  }
  sent = form;
  leaving = true;
});

document.addEventListener('input', () => {
  said.textContent = '';
  leaving = false;
});

addEventListener('pagehide', putBy);

addEventListener('pageshow', (event) => {
  if (!event.persisted) return;
  sessionStorage.removeItem(place); // it all stands here still
  leaving = false;
});

addEventListener('beforeunload', (event) => {
  if (!leaving && forms().some(typed)) event.preventDefault();
});

new BroadcastChannel('congvu').addEventListener('message', (event) => {
  if (event.data === 'signed out') over = true;
});

const at = new URL(location.href), notice = document.querySelector('main > .notice.good');
putBack(at.searchParams.has('done') || words.refused !== undefined);
if (at.searchParams.has('done')) { // said once: who comes back here has done nothing
  at.searchParams.delete('done');
  history.replaceState(null, '', at);
}
if (notice && at.hash) { // it stands at the head of the page, out of sight
  said.classList.remove('bad');
  said.textContent = notice.textContent?.trim() ?? '';
  setTimeout(() => { if (!said.classList.contains('bad')) said.textContent = ''; }, 8000);
}
void refresh();

/** Asks for stills until all are there, and puts in what came and what it changes. */
async function refresh() {
  const list = /** @type {HTMLElement} */ (document.getElementById('look-stills'));
  for (let wait = 1000; Number(list.dataset.coming) > 0; wait = Math.min(5000, wait * 1.3)) {
    await new Promise((done) => setTimeout(done, wait));
    try {
      const answer = await fetch(address, { headers: { Accept: 'text/html' } });
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

export {};
