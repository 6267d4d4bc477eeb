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
  get passing() { return this.status === 0 || this.status >= 500 || this.status === 429; }
}

/** @type {() => Promise<void>} */
let signIn = async () => {};

/** @param {() => Promise<void>} f asks for the password and resolves when signed in */
export function onSignedOut(f) { signIn = f; }

/**
 * @param {string} method
 * @param {string} path
 * @param {any} [body]
 * @param {{quiet?: boolean}} [options] quiet: do not ask for the password
 * @returns {Promise<any>}
 */
export async function call(method, path, body, options = {}) {
  for (;;) {
    let response;
    try {
      response = await fetch(path, { method, credentials: 'same-origin',
        headers: { Accept: 'application/json', ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
        body: body === undefined ? undefined : JSON.stringify(body) });
    } catch {
      throw new Problem(0, null);
    }
    if (response.ok) return response.status === 204 ? null : response.json();
    const problem = new Problem(response.status, await response.json().catch(() => null));
    if (response.status !== 401 || options.quiet) throw problem;
    await signIn();
  }
}

/**
 * Sends the bytes of a declared file and returns the receipt.
 * @param {string} id
 * @param {Blob} bytes
 * @param {(share: number) => void} progress
 * @returns {Promise<any>}
 */
export async function send(id, bytes, progress) {
  for (;;) {
    const result = await new Promise((resolve) => {
      const x = new XMLHttpRequest();
      x.open('PUT', `/api/v1/files/${id}/content`);
      x.setRequestHeader('Content-Type', 'application/octet-stream');
      x.setRequestHeader('Accept', 'application/json');
      x.upload.onprogress = (e) => { if (e.lengthComputable) progress(e.loaded / e.total); };
      x.onload = () => {
        let body = null;
        try { body = JSON.parse(x.responseText); } catch { /* no words came with it */ }
        resolve({ status: x.status, body });
      };
      x.onerror = x.onabort = x.ontimeout = () => resolve({ status: 0, body: null });
      x.send(bytes);
    });
    if (result.status >= 200 && result.status < 300) return result.body;
    if (result.status !== 401) throw new Problem(result.status, result.body);
    await signIn();
  }
}
