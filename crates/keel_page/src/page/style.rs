//! Style sheet of every page: light or dark by the reader's setting, narrow screens, print.

/// Style sheet embedded in each page.
pub const STYLE: &str = "
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--paper:#fff;--line:#d8dee4;--panel:#f6f8fa;
--c0:#0969da;--c1:#cf222e;--c2:#1a7f37;--c3:#9a6700;--c4:#8250df;--c5:#bf3989;--c6:#0a7b83;--c7:#57606a}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9ba6b2;--paper:#0d1117;--line:#30363d;--panel:#161b22;
--c0:#58a6ff;--c1:#ff7b72;--c2:#56d364;--c3:#e3b341;--c4:#bc8cff;--c5:#f778ba;--c6:#39c5cf;--c7:#9ba6b2}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:17px/1.6 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif}
main{max-width:54rem;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.9rem;line-height:1.2;margin:.2rem 0 .5rem}h2{font-size:1.3rem;margin:2.2rem 0 .6rem}
a{color:var(--c0)}
.chapter{color:var(--soft);margin:0;font-size:.9rem}.summary{font-size:1.1rem;color:var(--soft);margin-top:0}
figure{margin:1.4rem 0}figcaption{color:var(--soft);font-size:.92rem;line-height:1.45}
svg{display:block;width:100%;height:auto}.chart{background:var(--panel);border-radius:8px}
.panels{display:grid;grid-template-columns:repeat(auto-fill,minmax(11rem,1fr));gap:.6rem;margin-bottom:.5rem}
figure.panel{margin:0;background:var(--panel);border-radius:8px;padding:.4rem}
figure.panel figcaption{color:var(--ink);text-align:center;font-size:.8rem}
.pictures{display:flex;flex-wrap:wrap;gap:6px}.pictures img{width:64px;height:auto;image-rendering:pixelated;border-radius:4px}
.grid{stroke:var(--line);stroke-width:1}.base{stroke:var(--soft)}
.tick{fill:var(--soft);font-size:12px}.axis{fill:var(--ink);font-size:13px}
.line{fill:none;stroke:currentColor;stroke-width:2;stroke-linejoin:round}.dashed{stroke-dasharray:6 4}
.point{fill:currentColor;fill-opacity:.75}.bar{fill:currentColor}
.series-0{color:var(--c0)}.series-1{color:var(--c1)}.series-2{color:var(--c2)}.series-3{color:var(--c3)}
.series-4{color:var(--c4)}.series-5{color:var(--c5)}.series-6{color:var(--c6)}.series-7{color:var(--c7)}
.legend{margin:.4rem 0;font-size:.9rem}.legend span{margin-right:1rem;white-space:nowrap}
.legend i{display:inline-block;width:.9em;height:.9em;border-radius:3px;background:currentColor;margin-right:.4em;vertical-align:-.1em}
.table{overflow-x:auto;margin:1.2rem 0}table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums;min-width:50%}
caption{text-align:left;color:var(--soft);padding-bottom:.4rem}
th,td{padding:.3rem .7rem;border-bottom:1px solid var(--line);text-align:right}
th:first-child,td:first-child{text-align:left}th{font-weight:600}.knobs th,.knobs td{text-align:left}.knobs tbody th code{white-space:nowrap}.knobs td:nth-child(2){overflow-wrap:anywhere;min-width:5rem}td:last-child{white-space:normal}
.wide table{font-size:.82rem;line-height:1.4}.wide th,.wide td{padding:.3rem .45rem}.numbers tbody th{font-weight:400}
.table:focus-visible,.formula:focus-visible{outline:2px solid var(--c0);outline-offset:2px}
.row{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,15.5rem),1fr));gap:.8rem;margin-bottom:.5rem}
.row:has(>.part:nth-child(4):last-child){grid-template-columns:repeat(auto-fit,minmax(min(100%,11.5rem),1fr))}
figure.part{margin:0;min-width:0}figure.part>figcaption{color:var(--ink);font-size:.88rem;font-weight:600;margin-bottom:.3rem}
.formula{overflow-x:auto;padding:.5rem 0;margin:.5rem 0;font-size:1.1rem}
code{font:.88em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;background:var(--panel);padding:.1em .3em;border-radius:4px;overflow-wrap:anywhere}
footer{margin-top:2rem;color:var(--soft);font-size:.9rem}
nav{display:flex;justify-content:space-between;gap:1rem;font-size:.95rem;margin-bottom:1rem}
header+p,h2{scroll-margin-top:1rem}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,17rem),1fr));gap:1.2rem}
.card-link{background:var(--panel);border:1px solid var(--line);border-radius:12px;overflow:hidden;display:flex;flex-direction:column;position:relative}
.card-link h3{font-size:1.02rem;line-height:1.3;margin:.7rem .9rem .2rem}.card-link p{font-size:.88rem;line-height:1.45;color:var(--soft);margin:0 .9rem .9rem}
.card-link h3 a{text-decoration:none}.card-link h3 a::after{content:'';position:absolute;inset:0}.card-link p a{position:relative;z-index:1}
.thumbnail{height:11rem;overflow:hidden;background:var(--paper);border-bottom:1px solid var(--line);padding:.5rem}
.thumbnail .legend,.thumbnail .x-title,.thumbnail .y-title,.thumbnail figcaption,.thumbnail .note,.thumbnail .covered,.thumbnail .x-ticks,.thumbnail .y-ticks,.thumbnail .names,.thumbnail .tick{display:none}
.thumbnail .plot,.thumbnail .strip{display:block;background:none;padding:0;max-width:none}.thumbnail .plot .area,.thumbnail .rows{width:100%;height:10rem!important;aspect-ratio:auto}
.thumbnail .panels{grid-template-columns:repeat(3,1fr);gap:.2rem;margin:0}.thumbnail figure.panel{background:none;padding:0}.thumbnail .panels svg{height:4.9rem}.thumbnail .panels figure:nth-child(n+7){display:none}
.thumbnail .pictures img{width:44px}.thumbnail .row{grid-template-columns:repeat(3,1fr);gap:.4rem}.thumbnail .part:nth-child(n+4){display:none}
.thumbnail .part .area{height:auto!important;aspect-ratio:1}.thumbnail .row:has(.part:nth-child(2):last-child){grid-template-columns:repeat(2,1fr)}
@media print{:root{color-scheme:light;--ink:#000;--soft:#444;--paper:#fff;--line:#bbb;--panel:#fff;
--c0:#0550ae;--c1:#a40e26;--c2:#116329;--c3:#7d4e00;--c4:#6639ba;--c5:#99286e;--c6:#075d63;--c7:#444}
body{font-size:11pt}main{max-width:none;padding:0}figure,.table,.formula,svg,tr{break-inside:avoid}h2{break-after:avoid}
@page{margin:11mm}
html:has(.lesson){font-size:8.4pt}html:has(.lesson) body{font-size:1rem;line-height:1.42}
.lesson{columns:2;column-gap:6mm}.lesson nav{display:none}.lesson>header,.lesson>footer,.lesson>.wide,.lesson>figure:has(>.row){column-span:all}
.lesson h1{font-size:1.6rem}.lesson h2{font-size:1.15rem;margin:.9rem 0 .3rem}.lesson p{margin:.4rem 0;break-inside:avoid}.lesson figure,.lesson .table{margin:.6rem 0}
.lesson .table,.lesson .formula{overflow:visible}.lesson th,.lesson td{padding:.12rem .35rem}.lesson .plot .area{height:9.5rem}.lesson .square .area{height:auto}
.lesson>figure>.square{width:72%}.lesson .row{grid-template-columns:repeat(auto-fit,minmax(9rem,1fr))}.lesson .panels{grid-template-columns:repeat(3,1fr)}.lesson .pictures img{width:30px}
a{color:inherit}}
";
