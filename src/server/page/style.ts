// The page's style sheet. One text, no files from elsewhere: the page works where there is no internet.

export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f6f5f2; --card: #ffffff; --line: #e4e1da; --ink: #1d1b18; --quiet: #77716a;
  --accent: #b4532a; --good: #2f7d4f; --busy: #2b6cb0; --bad: #b3261e; --wait: #8a6d1a;
  --shadow: 0 1px 2px rgb(40 30 20 / .06), 0 8px 24px rgb(40 30 20 / .06);
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #151412; --card: #1f1d1a; --line: #34312c; --ink: #f1eee8; --quiet: #a09a90;
    --accent: #f08a5d; --good: #6cc58f; --busy: #7db4ec; --bad: #ff8a80; --wait: #e0c060;
    --shadow: 0 1px 2px rgb(0 0 0 / .4), 0 8px 24px rgb(0 0 0 / .3);
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 0 24px 64px; }
header { display: flex; align-items: center; gap: 14px; max-width: 1240px; margin: 0 auto; padding: 26px 24px 18px; }
header svg { width: 34px; height: 34px; flex: none; color: var(--accent); }
h1 { font-size: 20px; margin: 0; letter-spacing: -.01em; }
h2 { font-size: 13px; font-weight: 600; text-transform: uppercase; letter-spacing: .08em; color: var(--quiet); margin: 34px 0 12px; }
.live { margin-left: auto; color: var(--quiet); font-size: 13px; display: flex; align-items: center; gap: 8px; }
.live::before { content: ""; width: 8px; height: 8px; border-radius: 50%; background: var(--quiet); }
.live.on::before { background: var(--good); box-shadow: 0 0 0 4px color-mix(in srgb, var(--good) 20%, transparent); }
.live.off::before { background: var(--bad); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(132px, 1fr)); gap: 12px; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 14px 16px; box-shadow: var(--shadow); }
.tile b { display: block; font-size: 26px; line-height: 1.2; font-weight: 650; font-variant-numeric: tabular-nums; letter-spacing: -.02em; }
.tile span { color: var(--quiet); font-size: 13px; }
.tile.good b { color: var(--good); } .tile.busy b { color: var(--busy); } .tile.bad b { color: var(--bad); } .tile.wait b { color: var(--wait); }
.note { border-left: 4px solid var(--wait); background: var(--card); border-radius: 8px; padding: 10px 14px; margin: 14px 0 0; box-shadow: var(--shadow); }
.note.bad { border-color: var(--bad); }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(214px, 1fr)); gap: 16px; }
.piece { display: flex; flex-direction: column; text-align: left; font: inherit; color: inherit; padding: 0; background: var(--card);
  border: 1px solid var(--line); border-radius: 14px; overflow: hidden; box-shadow: var(--shadow); cursor: pointer; transition: transform .15s; }
.piece:hover, .piece:focus-visible { transform: translateY(-2px); border-color: var(--accent); outline: none; }
.frame { position: relative; aspect-ratio: 1; width: 100%; background: color-mix(in srgb, var(--line) 55%, var(--card)); display: grid; place-items: center; color: var(--quiet); font-size: 13px; }
.frame img { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: cover; }
.frame .more { position: absolute; right: 8px; bottom: 8px; background: rgb(0 0 0 / .62); color: #fff; border-radius: 99px; padding: 1px 9px; font-size: 12px; }
.frame.busy::after { content: ""; width: 26px; height: 26px; border: 3px solid var(--line); border-top-color: var(--busy); border-radius: 50%; animation: turn 1s linear infinite; }
@keyframes turn { to { transform: rotate(360deg); } }
@media (prefers-reduced-motion: reduce) { .frame.busy::after { animation: none; } .piece { transition: none; } }
.words { padding: 11px 13px 13px; display: flex; flex-direction: column; gap: 6px; }
.words p { margin: 0; font-size: 14px; line-height: 1.4; height: 2.8em; overflow: hidden; display: -webkit-box; -webkit-line-clamp: 2; -webkit-box-orient: vertical; overflow-wrap: anywhere; }
.foot { display: flex; justify-content: space-between; gap: 8px; font-size: 12px; color: var(--quiet); }
.state { font-weight: 600; } .state.archived { color: var(--good); } .state.failed { color: var(--bad); }
.state.parked, .state.cancelled { color: var(--wait); } .state.queued, .state.generating, .state.copying { color: var(--busy); }
.empty { color: var(--quiet); background: var(--card); border: 1px dashed var(--line); border-radius: 14px; padding: 34px; text-align: center; }
code { font: 13px ui-monospace, SFMono-Regular, Menlo, monospace; background: color-mix(in srgb, var(--line) 50%, transparent); border-radius: 6px; padding: 2px 6px; }
button.plain { display: block; margin: 20px auto 0; }
button.plain, form button { font: inherit; color: var(--ink); background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 8px 16px; cursor: pointer; }
form.token { max-width: 430px; margin: 12vh auto 0; background: var(--card); border: 1px solid var(--line); border-radius: 16px; padding: 26px; box-shadow: var(--shadow); }
form.token label { display: block; margin-bottom: 10px; } form.token div { display: flex; gap: 8px; }
input { flex: 1; min-width: 0; font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--line); border-radius: 10px; padding: 8px 12px; }
dialog { border: 0; border-radius: 18px; padding: 0; width: min(1080px, 94vw); max-height: 92vh; background: var(--card); color: var(--ink); box-shadow: 0 20px 80px rgb(0 0 0 / .45); }
dialog::backdrop { background: rgb(10 8 6 / .6); backdrop-filter: blur(3px); }
.detail { display: grid; grid-template-columns: minmax(0, 1.35fr) minmax(0, 1fr); }
.shots { background: color-mix(in srgb, var(--ground) 80%, #000); padding: 16px; display: grid; gap: 12px; align-content: start; }
.shots img { width: 100%; border-radius: 10px; display: block; }
.facts { padding: 22px 24px 26px; overflow: auto; }
.facts h3 { margin: 0 0 14px; font-size: 17px; line-height: 1.4; overflow-wrap: anywhere; }
.facts dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 6px 16px; margin: 0; font-size: 13px; }
.facts dt { color: var(--quiet); } .facts dd { margin: 0; overflow-wrap: anywhere; }
.close { position: absolute; right: 12px; top: 12px; width: 34px; height: 34px; border-radius: 50%; border: 0; background: rgb(0 0 0 / .5); color: #fff; font-size: 18px; cursor: pointer; }
@media (max-width: 760px) { .detail { grid-template-columns: 1fr; } header, main { padding-left: 16px; padding-right: 16px; } }
[hidden] { display: none !important; }
`;
