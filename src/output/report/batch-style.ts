// How the HTML report of a batch looks. Light and dark, wide and narrow, on paper. Pure text.

/** The style sheet, to be put into the page. */
export const BATCH_STYLE = `
:root { color-scheme: light dark; --paper: #faf9f7; --ink: #1d1c1a; --dim: #76716a; --line: #e4e0d9; --card: #fff;
  --good: #2f7d4f; --bad: #b3372b; --waits: #a8741a; }
@media (prefers-color-scheme: dark) { :root { --paper: #171614; --ink: #eceae6; --dim: #98938b; --line: #35322d;
  --card: #201f1c; --good: #6cc08d; --bad: #ef8478; --waits: #e0b15c; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 2.5rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK SC", sans-serif; }
header, main { max-width: 70rem; margin: 0 auto; }
header { margin-bottom: 1.5rem; }
h1 { margin: .1rem 0; font-size: 2rem; line-height: 1.2; letter-spacing: -.02em; font-weight: 650; }
h2 { margin: 2.75rem 0 .75rem; font-size: 1.05rem; font-weight: 650; }
p { margin: .35rem 0; }
code { font: .86em ui-monospace, "SF Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.name, .when, .note { color: var(--dim); }
.note { font-size: .88rem; }
h1.good, dd.good { color: var(--good); } h1.bad, dd.bad { color: var(--bad); } h1.waits { color: var(--waits); }
.bar { display: flex; gap: 2px; height: .6rem; margin-bottom: 1.25rem; }
.bar i { min-width: 3px; flex-basis: 0; border-radius: 2px; }
.bar .good { background: var(--good); } .bar .bad { background: var(--bad); } .bar .waits { background: var(--waits); }
.bar .dim { background: var(--dim); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: .75rem; margin: 0; }
.figures div { padding: .8rem 1rem .9rem; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; }
dt { color: var(--dim); font-size: .82rem; }
dd { margin: 0; font-size: 1.5rem; line-height: 1.3; font-weight: 600; font-variant-numeric: tabular-nums; letter-spacing: -.01em; }
dd.note { font-size: .82rem; font-weight: 400; letter-spacing: 0; }
details { padding: .6rem 1rem; margin-bottom: .5rem; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; }
summary { cursor: pointer; }
.ids { columns: 18rem; margin: .5rem 0; padding-left: 1.1rem; }
.sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: 1rem .9rem; align-items: start; }
figure { margin: 0; }
figure a { display: block; line-height: 0; }
figure img, .gone { display: block; width: 100%; max-height: 16rem; object-fit: cover; border-radius: .35rem; background: var(--line); }
figcaption { margin-top: .35rem; font-size: .8rem; line-height: 1.35; }
figcaption span { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; }
figcaption code { display: block; color: var(--dim); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
table { border-collapse: collapse; width: 100%; }
td, th { padding: .4rem .9rem .4rem 0; border-top: 1px solid var(--line); text-align: left; vertical-align: top; }
.facts th { width: 9rem; color: var(--dim); font-weight: 400; }
@media print { body { padding: 0; } figure, details { break-inside: avoid; } }
`;
