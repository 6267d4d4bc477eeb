// Stands before the app: when a part of it could not be fetched (a line that broke, a
// copy of the server that has just gone), the page loads again instead of staying empty.
addEventListener('error', (e) => {
  if (e.target instanceof HTMLScriptElement && e.target.type === 'module') setTimeout(() => location.reload(), 1500);
}, true);
