// Small things that a page can do without: print, count down, copy nothing, ask nobody.

document.querySelectorAll('[data-print]').forEach((button) => {
  button.hidden = false;
  button.addEventListener('click', () => print());
});

// How long emergency access still lasts. Without this the number is that of when the page was made.
document.querySelectorAll('[data-until]').forEach((strip) => {
  const shown = strip.querySelector('[data-remaining]');
  const until = Number(strip.dataset.until);
  const tell = () => {
    const minutes = Math.max(1, Math.ceil((until - Date.now()) / 60_000));
    const words = minutes < 120 ? `${minutes} minute${minutes === 1 ? '' : 's'}` : `${Math.ceil(minutes / 60)} hours`;
    if (shown.textContent !== words) shown.textContent = words;
    if (Date.now() > until) location.reload();
  };
  setInterval(tell, 5_000);
});
