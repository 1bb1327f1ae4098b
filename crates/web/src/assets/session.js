// Warns two minutes before a session left alone ends, and keeps it open at the press of one button.

const notice = document.getElementById('idle');
if (notice) {
  const limit = Number(notice.dataset.minutes) * 60_000;
  let timers = [];

  const start = () => {
    timers.forEach(clearTimeout);
    notice.replaceChildren();
    timers = [setTimeout(warn, limit - 120_000), setTimeout(() => location.reload(), limit + 2_000)];
  };

  const warn = () => {
    const words = document.createElement('span');
    words.textContent = 'You will be signed out in two minutes.';
    const stay = document.createElement('button');
    stay.type = 'button';
    stay.textContent = 'Stay signed in';
    stay.addEventListener('click', async () => {
      const answer = await fetch(notice.dataset.keep, { method: 'POST' });
      if (answer.ok) start();
      else location.reload();
    });
    notice.replaceChildren(words, stay);
  };

  start();
}
