// Forms with files: shows how far the sending is and refuses too large a file before
// it is sent. Without this module they are sent as plain forms.
// @ts-check

/** @param {HTMLFormElement} form */
function enhance(form) {
  const say = form.dataset;
  const input = /** @type {HTMLInputElement | null} */ (form.querySelector('input[type=file]'));
  const button = /** @type {HTMLButtonElement | null} */ (form.querySelector('button[type=submit]'));
  if (!input || !button) return;
  const max = Number(say.max);
  const status = document.createElement('p');
  status.setAttribute('role', 'status');
  status.className = 'hint';
  const bar = document.createElement('progress');
  bar.hidden = true;
  bar.setAttribute('aria-label', say.sending ?? '');
  button.before(status, bar);

  input.addEventListener('change', () => {
    const large = [...(input.files ?? [])].find((f) => f.size > max);
    input.setCustomValidity(large ? `${say.large} ${large.name}` : '');
    if (large) input.reportValidity();
  });

  form.addEventListener('submit', (event) => {
    if (!input.files?.length) return;
    event.preventDefault();
    button.disabled = true;
    bar.hidden = false;
    bar.removeAttribute('value');
    status.textContent = say.sending ?? '';
    const request = new XMLHttpRequest();
    request.upload.addEventListener('progress', (e) => {
      if (!e.lengthComputable) return;
      bar.max = e.total;
      bar.value = e.loaded;
      const percent = Math.floor((100 * e.loaded) / e.total);
      status.textContent = e.loaded < e.total ? `${say.sending} ${percent} %` : say.saving ?? '';
    });
    const failed = () => {
      button.disabled = false;
      bar.hidden = true;
      status.textContent = say.failed ?? '';
    };
    request.addEventListener('error', failed);
    request.addEventListener('abort', failed);
    request.addEventListener('load', () => {
      if (request.status >= 200 && request.status < 300 && request.responseURL) {
        location.assign(request.responseURL);
        return;
      }
      if ((request.getResponseHeader('Content-Type') ?? '').startsWith('text/html') && request.status < 500) {
        show(request.responseText); // the same form with what is wrong, and all that was typed
        return;
      }
      failed();
    });
    request.open('POST', form.action);
    request.setRequestHeader('Accept', 'text/html');
    request.send(new FormData(form));
  });
}

/** Shows a page that came as the answer. @param {string} html */
function show(html) {
  const fresh = new DOMParser().parseFromString(html, 'text/html');
  const main = fresh.querySelector('main');
  const old = document.querySelector('main');
  if (!main || !old) return;
  old.replaceWith(main);
  start();
  const wrong = /** @type {HTMLElement | null} */ (main.querySelector('.notice.bad')) ?? main;
  wrong.tabIndex = -1;
  wrong.focus();
  wrong.scrollIntoView({ block: 'start' });
}

function start() {
  document.querySelectorAll('form[data-upload]').forEach((f) => enhance(/** @type {HTMLFormElement} */ (f)));
}

start();
