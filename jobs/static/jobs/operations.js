// The operations page, fetched anew every few seconds, unless nobody looks or somebody is about to press a button of it.
(() => {
  const PAUSE = 3000;
  const here = () => document.getElementById('operations');
  const busy = () => document.hidden || here().contains(document.activeElement) || String(getSelection());

  async function refresh() {
    if (busy()) return;
    try {
      const answer = await fetch(location.href, { headers: { Accept: 'text/html' }, redirect: 'error' });
      if (!answer.ok) throw new Error(answer.status);
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      if (!busy()) here().replaceWith(document.adoptNode(page.getElementById('operations')));
    } catch {
      const said = here().querySelector('[data-refresh]');
      said.textContent = 'It could not be refreshed since.';
      said.className = 'overdue';
    }
  }
  setInterval(refresh, PAUSE);
})();
