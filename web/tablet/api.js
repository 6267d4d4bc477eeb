// The server as the tablet sees it. Every failure is a Problem with words to show;
// a session that has run out asks for the password in place and then goes on.

/** A refusal by the server, or no answer at all (status 0). */
export class Problem extends Error {
  /** @param {number} status @param {any} body */
  constructor(status, body) {
    super(body?.detail ?? '');
    this.status = status;
    this.key = body?.key ?? '';
    /** @type {Record<string, string>} */
    this.errors = body?.errors ?? {};
  }

  /** Whether trying again later may help. */
  get passing() { return this.status === 0 || this.status >= 500 || this.status === 429 || this.status === 408; }
}

/**
 * What an answer that is no success means. A refusal that the program did not make, of a
 * proxy or of the page of a public Wi-Fi, is no answer at all; that a proxy takes nothing
 * so large is one.
 * @param {number} status
 * @param {any} body
 * @param {string | null} request the program's own mark, X-Request-Id
 */
export const refusal = (status, body, request) => new Problem(request || status >= 500 || status === 413 ? status : 0, body);

/** @type {() => Promise<boolean>} */
let signIn = async () => false;

/** @param {() => Promise<boolean>} f asks for the password; true when the person signed in, false when not now */
export function onSignedOut(f) { signIn = f; }

/** Whose work the app does; the server does nothing of it in the name of another. */
let person = '';

/** @param {string} who empty: nobody's */
export function speakFor(who) { person = who; }

/**
 * @param {string} method
 * @param {string} path
 * @param {any} [body]
 * @param {{quiet?: boolean, timeout?: number}} [options] quiet: do not ask for the password; timeout in ms
 * @returns {Promise<any>}
 */
export async function call(method, path, body, options = {}) {
  for (;;) {
    let response, answer = null;
    try {
      response = await fetch(path, { method, credentials: 'same-origin', cache: 'no-store', signal: AbortSignal.timeout(options.timeout ?? 60000),
        headers: { Accept: 'application/json', ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...(person && !path.startsWith('/api/v1/session') ? { 'Congvu-Person': person } : {}) },
        body: body === undefined ? undefined : JSON.stringify(body) });
      if (response.ok && response.status !== 204) answer = await response.json(); // what is no JSON is not our server
    } catch {
      throw new Problem(0, null);
    }
    if (response.ok) return answer;
    const problem = refusal(response.status, await response.json().catch(() => null), response.headers.get('X-Request-Id'));
    if (response.status !== 401 || options.quiet || !(await signIn())) throw problem;
  }
}

/**
 * The bytes of a picture of the server, past every cache.
 * @param {string} path
 * @returns {Promise<Blob>}
 */
export async function picture(path) {
  let response;
  try {
    response = await fetch(path, { credentials: 'same-origin', cache: 'no-store', signal: AbortSignal.timeout(60000) });
    if (response.ok) return await response.blob();
  } catch {
    throw new Problem(0, null);
  }
  throw refusal(response.status, null, response.headers.get('X-Request-Id'));
}
