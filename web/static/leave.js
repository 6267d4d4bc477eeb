// Signed out on a page of the office: the tablet app in other tabs of this browser closes
// what it has open, and what was put by in this tab goes.
// @ts-check

for (const key of Object.keys(sessionStorage)) if (key.startsWith('look ')) sessionStorage.removeItem(key); // what was typed on pages of looks
new BroadcastChannel('congvu').postMessage('signed out');
