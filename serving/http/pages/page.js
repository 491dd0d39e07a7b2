'use strict';
// What all pages share. A page has a form with an input "token" and an element "problem".
const $ = (id) => document.getElementById(id);
const number = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

/** An element with text and children; text is never read as markup. */
function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) name === 'class' ? (made.className = value) : name.startsWith('on') ? made.addEventListener(name.slice(2), value) : made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const tokenInput = document.querySelector('input[name=token]');
const given = new URLSearchParams(location.hash.slice(1)).get('token');
if (given) history.replaceState(null, '', location.pathname);
tokenInput.value = given ?? sessionStorage.getItem('token') ?? '';
tokenInput.addEventListener('change', () => sessionStorage.setItem('token', tokenInput.value.trim()));
if (given) sessionStorage.setItem('token', given);
const authorization = () => ({ authorization: `Bearer ${tokenInput.value.trim()}` });

/** Asks the API; what it refuses is thrown with its words and its status. */
async function call(method, path, body) {
  const answer = await fetch(path, { method, headers: { ...authorization(), ...(body ? { 'content-type': 'application/json' } : {}) }, ...(body ? { body: JSON.stringify(body) } : {}) });
  const text = await answer.text();
  const said = text ? JSON.parse(text) : {};
  if (!answer.ok) throw Object.assign(new Error(said.detail ?? said.title ?? `status ${answer.status}`), { status: answer.status });
  return said;
}

/** Works with all buttons still, and says what went wrong. */
async function tried(work) {
  $('problem').textContent = '';
  for (const button of document.querySelectorAll('button')) button.disabled = true;
  try { await work(); } catch (error) { $('problem').textContent = error.message; }
  for (const button of document.querySelectorAll('button')) button.disabled = false;
}

function meter(name, value, share, kind = '') {
  return el('div', { class: 'meter' }, el('span', { title: name }, name), el('i', { class: kind, style: `width:${Math.max(1, 100 * share)}%` }), el('span', {}, value));
}

/** Plays a stream, and shows which rendition it is; returns how to end it. */
function playHls(video, level, url) {
  if (!globalThis.Hls?.isSupported()) {
    video.src = url;
    return () => video.removeAttribute('src');
  }
  const hls = new Hls({ startLevel: 0 });
  hls.loadSource(url);
  hls.attachMedia(video);
  hls.on(Hls.Events.LEVEL_SWITCHED, (_event, switched) => { const l = hls.levels[switched.level]; level.textContent = `${l.width} × ${l.height}, ${Math.round(l.bitrate / 1000)} kbit/s`; });
  hls.on(Hls.Events.ERROR, (_event, data) => { if (data.fatal) level.textContent = `cannot play: ${data.details}`; });
  return () => hls.destroy();
}
