// Signing in on the tablet, with the server or without it: a page when the app starts,
// a dialog where the person stands when the session has run out.

import { call, Problem } from './api.js';
import { h, t } from './dom.js';
import * as store from './store.js';
import * as link from './link.js';
import * as rescue from './rescue.js';
import * as sync from './sync.js';
import * as vault from './vault.js';

/** What is wrong, in words for the person. */
class Refusal extends Error {}

/**
 * Signs in at the server, fetches the key that it made for this person and device, and
 * wraps it by the password anew: a password that was given anew loses nothing.
 * @param {string} device @param {string} username @param {string} password
 * @param {string} [only] the person that it must be
 * @returns {Promise<{person: vault.Person, keys: vault.Keys}>}
 */
async function online(device, username, password, only) {
  await link.endSession();
  const who = await call('POST', '/api/v1/session', { username, password, device }, { quiet: true, timeout: 20000 });
  if (only && who.person !== only) {
    await call('DELETE', '/api/v1/session', undefined, { quiet: true, timeout: 10000 }).catch(() => {});
    throw new Refusal(t('tablet.signin.other'));
  }
  if (who.must_change) {
    location.href = '/password';
    return new Promise(() => {});
  }
  const { key } = await call('POST', '/api/v1/session/key', { device }, { quiet: true, timeout: 20000 });
  const keys = await vault.keysOf(key);
  const person = { person: who.person, name: who.name, username: vault.folded(username), simulated: who.simulated };
  const id = await vault.vaultID(device, username);
  await rescue.keepVault(await vault.wrap(id, password, { ...person, key }, keys.owner));
  return { person, keys };
}

/** @param {string} device @param {string} username @param {string} password @returns {Promise<{person: vault.Person, keys: vault.Keys}>} */
async function offline(device, username, password) {
  const known = await store.countTry(await vault.vaultID(device, username), vault.TRIES);
  if (!known) throw new Refusal(t('tablet.signin.no_vault'));
  if (known.tries >= vault.TRIES) throw new Refusal(t('tablet.signin.too_many', { n: vault.TRIES }));
  const secret = await vault.unwrap(known, password);
  if (!secret) {
    const left = vault.TRIES - known.tries - 1;
    throw new Refusal(left > 0 ? t('tablet.signin.wrong', { left }) : t('tablet.signin.too_many', { n: vault.TRIES }));
  }
  await store.clearTries(known.id);
  const { key, ...person } = secret;
  return { person, keys: await vault.keysOf(key) };
}

/** @param {any} e */
function words(e) {
  if (e instanceof Refusal) return e.message;
  if (e instanceof Problem && e.status !== 0) return e.message || t('tablet.error.refused');
  if (e instanceof Problem) return t('tablet.error.offline');
  console.warn(e);
  return t('tablet.not_kept');
}

/**
 * A device is shared: the browser is not asked to remember who signs in on it.
 * @param {string} username @param {(username: string, password: string) => Promise<void>} enter @param {any[]} more
 */
function form(username, enter, ...more) {
  const name = h('input', { id: 'in-name', autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false', required: true, value: username });
  const word = h('input', { id: 'in-word', type: 'password', autocomplete: 'off', required: true });
  const problem = h('p', { class: 'wrong-text', role: 'alert', id: 'in-problem' });
  const button = h('button', { class: 'primary', type: 'submit' }, t('login.submit'));
  return h('form', { class: 'sign-in-form', onsubmit: async (/** @type {Event} */ e) => {
    e.preventDefault();
    problem.textContent = '';
    button.disabled = true;
    button.textContent = t('tablet.signin.opening');
    try {
      await enter(name.value, word.value);
    } catch (error) {
      problem.textContent = words(error);
      word.select();
    }
    button.disabled = false;
    button.textContent = t('login.submit');
  } },
  h('div', { class: 'field' }, h('label', { for: 'in-name' }, t('login.username')), name),
  h('div', { class: 'field' }, h('label', { for: 'in-word' }, t('login.password')), word), problem,
  h('div', { class: 'actions' }, button, ...more));
}

/**
 * The page that opens the app; resolves with who opened it.
 * @param {string} device
 * @param {'first'|'offline'|''} why
 * @param {(page: any) => void} put shows the page
 * @returns {Promise<{person: vault.Person, keys: vault.Keys, signedIn: boolean}>}
 */
export async function signInPage(device, why, put) {
  const unsent = await store.unsent();
  return new Promise((resolve) => {
    const enter = async (/** @type {string} */ username, /** @type {string} */ password) => {
      /** @type {any} */
      let opened = null;
      try {
        opened = { ...(await online(device, username, password)), signedIn: true };
      } catch (e) {
        if (!(e instanceof Problem) || !e.passing || e.status === 429) throw e;
      }
      resolve(opened ?? { ...(await offline(device, username, password)), signedIn: false });
    };
    put(h('main', { class: 'app-main sign-in', id: 'main' }, h('p', { class: 'brand' }, 'congvu'), h('h1', { tabindex: -1 }, t('login.title')),
      why ? h('p', { class: 'notice' }, t(`tablet.signin.${why}`)) : null, sync.troubles().trouble ? h('div', { class: 'notice bad', role: 'alert' }, h('p', null, sync.troubles().trouble?.words)) : null,
      form('', enter), unsent ? h('p', { class: 'hint' }, t('tablet.signin.unsent')) : null, h('p', { class: 'hint' }, t('tablet.signin.hint'))));
    performance.mark('asked');
  });
}

/**
 * Asks for the password where the person stands; nothing on the page is lost. False
 * when not now.
 * @param {string} device
 * @param {vault.Person} me
 * @returns {Promise<boolean>}
 */
export function askPassword(device, me) {
  return new Promise((resolve) => {
    const there = document.querySelector('dialog.sign-in');
    if (there) { there.addEventListener('close', () => resolve(/** @type {HTMLDialogElement} */ (there).returnValue === 'in')); return; }
    const close = (/** @type {string} */ how) => {
      dialog.close(how);
      dialog.remove();
    };
    const dialog = h('dialog', { class: 'ask sign-in', 'aria-labelledby': 'in-title' }, h('h2', { id: 'in-title' }, t('login.title')), h('p', null, t('tablet.signin.kept')),
      form(me.username, async (username, password) => {
        await online(device, username, password, me.person);
        close('in');
      }, h('button', { type: 'button', onclick: () => close('later') }, t('tablet.signin.later'))));
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'in'));
    dialog.addEventListener('cancel', (/** @type {Event} */ e) => { e.preventDefault(); close('later'); });
    document.body.append(dialog);
    dialog.showModal();
    if (me.username) dialog.querySelector('#in-word').focus();
  });
}
