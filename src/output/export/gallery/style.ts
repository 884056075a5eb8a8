// How the gallery looks: pictures first, in rows of one height that keep their shapes. Light and dark, wide and narrow.

export const GALLERY_STYLE = `
:root { color-scheme: light dark; --ground: #f6f5f2; --card: #fff; --line: #e0dcd4; --ink: #1d1b18; --quiet: #77716a; --accent: #b4532a;
  --row: 15rem; --gap: .5rem; --edge: clamp(.75rem, 2.5vw, 2rem); }
@media (prefers-color-scheme: dark) { :root { --ground: #141311; --card: #1f1d1a; --line: #35322d; --ink: #f1eee8; --quiet: #a09a90; --accent: #f08a5d; } }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; }
header { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1rem; padding: .8rem var(--edge);
  background: color-mix(in srgb, var(--ground) 86%, transparent); backdrop-filter: blur(14px); border-bottom: 1px solid var(--line); }
h1 { margin: 0; font-size: 1.3rem; line-height: 1.2; letter-spacing: -.02em; font-weight: 650; overflow-wrap: anywhere; }
#count { margin: 0; color: var(--quiet); font-size: .87rem; font-variant-numeric: tabular-nums; }
#filters { display: flex; flex-wrap: wrap; gap: .5rem; flex: 1 1 26rem; justify-content: flex-end; }
input, select, aside button, aside a { font: inherit; font-size: .93rem; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .42rem .75rem; }
input { flex: 1 1 12rem; min-width: 0; max-width: 24rem; }
select { max-width: 13rem; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
main { padding: var(--edge); }
#grid { display: flex; flex-wrap: wrap; gap: var(--gap); }
#grid::after { content: ""; flex: 1000 1 0; }
.tile { position: relative; flex: var(--ratio) 1 calc(var(--row) * var(--ratio)); max-width: 100%; padding: 0; border: 0; border-radius: .5rem; overflow: hidden;
  background: var(--line); color: inherit; font: inherit; text-align: left; cursor: zoom-in; }
.tile img { display: block; width: 100%; height: 100%; aspect-ratio: var(--ratio); object-fit: cover; color: transparent; transition: transform .35s; }
.tile span { position: absolute; inset: auto 0 0; padding: 2.2rem .8rem 0; border-bottom: .65rem solid transparent; color: #fff; background: linear-gradient(transparent, rgb(0 0 0 / .72)) border-box; font-size: .85rem; line-height: 1.4;
  opacity: 0; transition: opacity .2s; overflow-wrap: anywhere; pointer-events: none; }
.tile span { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden; }
.tile:hover span, .tile:focus-visible span { opacity: 1; }
.tile:hover img { transform: scale(1.025); }
#empty, .note { margin: 18vh auto; max-width: 28rem; text-align: center; color: var(--quiet); }
dialog { width: 100vw; height: 100dvh; max-width: none; max-height: none; margin: 0; padding: 0; border: 0; color: var(--ink); background: var(--ground); overflow: hidden; }
dialog[open] { display: grid; grid-template-columns: minmax(0, 1fr) min(25rem, 38vw); }
dialog::backdrop { background: var(--ground); }
.stage { position: relative; display: grid; place-items: center; min-height: 0; min-width: 0; padding: clamp(.5rem, 2vw, 1.5rem); background: color-mix(in srgb, var(--ground) 88%, #2a1f14); }
#picture { display: block; max-width: 100%; max-height: calc(100dvh - 2 * clamp(.5rem, 2vw, 1.5rem)); width: auto; height: auto; min-width: min(100%, 16rem); object-fit: contain; border-radius: .4rem;
  box-shadow: 0 2px 30px rgb(0 0 0 / .22); }
.turn { position: absolute; top: 50%; translate: 0 -50%; width: 2.75rem; height: 2.75rem; border: 0; border-radius: 50%; color: #fff; background: rgb(0 0 0 / .4); font: 1.7rem/1 system-ui, sans-serif; padding: 0 0 .25rem; cursor: pointer; }
#before { left: .75rem; } #after { right: .75rem; }
.turn:hover { background: rgb(0 0 0 / .65); } .turn:disabled { opacity: 0; pointer-events: none; }
aside { padding: 1rem 1.5rem 2rem; overflow: auto; overscroll-behavior: contain; border-left: 1px solid var(--line); background: var(--card); }
.bar { display: flex; justify-content: space-between; align-items: center; color: var(--quiet); font-size: .87rem; font-variant-numeric: tabular-nums; }
#close { border: 0; background: none; padding: 0 .5rem; font-size: 1.7rem; line-height: 1.4; margin-right: -.5rem; color: var(--quiet); cursor: pointer; }
#prompt { margin: .5rem 0 1rem; font-size: 1.1rem; line-height: 1.5; white-space: pre-wrap; overflow-wrap: anywhere; }
#negative { margin: -.4rem 0 1rem; color: var(--quiet); white-space: pre-wrap; overflow-wrap: anywhere; }
.tags, .actions { display: flex; flex-wrap: wrap; gap: .4rem; margin: 0 0 1rem; }
.tags:empty { display: none; }
.tags button { border-radius: 99px; padding: .1rem .7rem; font-size: .85rem; background: var(--ground); cursor: pointer; }
.actions button, .actions a { cursor: pointer; text-decoration: none; font-size: .87rem; padding-inline: .7rem; }
.actions button:hover, .actions a:hover, .tags button:hover { border-color: var(--accent); color: var(--accent); }
#copy { background: var(--accent); border-color: var(--accent); color: var(--card); font-weight: 600; } #copy:hover { color: var(--card); filter: brightness(1.08); }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .35rem 1.25rem; margin: 1.25rem 0 0; padding-top: 1.25rem; border-top: 1px solid var(--line); font-size: .89rem; }
dt { color: var(--quiet); } dd { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
dd.code { font: .82rem/1.75 ui-monospace, "SF Mono", Menlo, Consolas, monospace; word-break: break-all; }
dialog:focus { outline: none; }
@media (max-width: 46rem) {
  :root { --row: 6.75rem; --gap: .25rem; } .tile { border-radius: .3rem; }
  header { padding-block: .6rem; } #filters { flex-basis: 100%; } input { flex-basis: 100%; max-width: none; } select { flex: 1 1 6rem; min-width: 0; padding-inline: .35rem; font-size: .85rem; text-overflow: ellipsis; }
  dialog[open] { display: block; overflow: auto; } aside { overflow: visible; border-left: 0; padding: .5rem 1.1rem 2.5rem; }
  .stage { padding: 0; } #picture { max-height: 68dvh; border-radius: 0; box-shadow: none; }
  #close { position: fixed; top: .6rem; right: .6rem; width: 2.5rem; height: 2.5rem; margin: 0; padding: 0; border-radius: 50%; color: #fff; background: rgb(0 0 0 / .5); line-height: 1; }
}
@media (hover: none) { .tile span { display: none; } }
@media (prefers-reduced-motion: reduce) { .tile img, .tile span { transition: none; } .tile:hover img { transform: none; } }
`;
