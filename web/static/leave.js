// Signed out on a page of the office: the tablet app in other tabs of this browser closes
// what it has open.
// @ts-check

new BroadcastChannel('congvu').postMessage('signed out');
