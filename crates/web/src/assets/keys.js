// Keys that work on every page: Ctrl or Command K opens the palette, Alt with a digit leads to a section of
// the chart. Both need a modifier, so nothing that is typed can set them off.

const palette = document.getElementById('palette');

function open(event) {
  if (!palette) return;
  event.preventDefault();
  if (palette.open) return;
  palette.showModal();
  const form = palette.querySelector('form[data-live]');
  form.querySelector('input').select();
  form.dispatchEvent(new Event('continuo:open'));
}

document.addEventListener('keydown', (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === 'k') open(event);
  if (event.altKey && !event.ctrlKey && !event.metaKey && /^Digit\d$/.test(event.code)) {
    const link = document.querySelector(`[data-alt="${event.code.slice(5)}"]`);
    if (link) {
      event.preventDefault();
      link.click();
    }
  }
});

document.querySelectorAll('[data-palette]').forEach((opener) => opener.addEventListener('click', (event) => {
  if (!event.ctrlKey && !event.metaKey && !event.shiftKey) open(event);
}));
palette?.querySelector('[data-close]')?.addEventListener('click', () => palette.close());
palette?.addEventListener('click', (event) => {
  if (event.target === palette) palette.close();
});
