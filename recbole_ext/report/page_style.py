"""How a page looks: one calm column, aligned numbers, light and dark, phone and desk."""

STYLE = """
:root{color-scheme:light dark;--paper:#fdfdfc;--ink:#1e2329;--soft:#626b75;--rule:#e2e4e7;--tint:#f4f5f6;
--good:#1d7a46;--bad:#b3261e;--open:#8a6100;
--s0:#2866b0;--s1:#b04d14;--s2:#267a4e;--s3:#8454ad;--s4:#b53b49;--s5:#5d6670;--s6:#8f6f0c;--s7:#12788a}
@media(prefers-color-scheme:dark){:root{--paper:#15181b;--ink:#e3e6e8;--soft:#9aa3ab;--rule:#2d3237;--tint:#1d2125;
--good:#6cc794;--bad:#f28b82;--open:#e3b341;
--s0:#7fb2ee;--s1:#f0965c;--s2:#74c79b;--s3:#c09be6;--s4:#f08a94;--s5:#a4adb6;--s6:#d6b650;--s7:#62c3d2}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;
-webkit-text-size-adjust:100%;overflow-wrap:anywhere}
main{max-width:58rem;margin:0 auto;padding:2.5rem 1rem 4rem}
h1{font-size:1.7rem;line-height:1.2;font-weight:650;letter-spacing:-.01em;margin:0}
.sub{color:var(--soft);margin:.35rem 0 0}
h2{font-size:1.1rem;font-weight:650;margin:2.6rem 0 .7rem;padding-top:1.1rem;border-top:1px solid var(--rule)}
h2+h2{border-top:0;margin-top:0;padding-top:0;font-size:1rem}
p{margin:.6rem 0;max-width:42rem}
.note{color:var(--soft);font-size:.82rem;margin:.4rem 0}
.scroll{overflow-x:auto;max-width:100%;margin:.8rem 0;background-repeat:no-repeat;
background-image:linear-gradient(to right,var(--paper) 40%,transparent),
linear-gradient(to left,var(--paper) 40%,transparent),linear-gradient(to right,var(--rule),transparent),
linear-gradient(to left,var(--rule),transparent);background-position:0 0,100% 0,0 0,100% 0;
background-size:2rem 100%,2rem 100%,.8rem 100%,.8rem 100%;background-attachment:local,local,scroll,scroll}
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums;
overflow-wrap:break-word}
th,td{padding:.36rem 1.1rem .36rem 0;border-bottom:1px solid var(--rule);text-align:left;vertical-align:top}
th{font-weight:500;color:var(--soft);white-space:nowrap}
td{max-width:26rem}
th:last-child,td:last-child{padding-right:0}
.n{text-align:right;white-space:nowrap}
dl{display:grid;grid-template-columns:minmax(6rem,max-content) minmax(0,1fr);gap:.3rem 1.4rem;font-size:.92rem;
margin:.8rem 0;font-variant-numeric:tabular-nums}
dt{color:var(--soft)}
dd{margin:0}
ul{list-style:none;margin:.8rem 0;padding:0}
li{display:grid;grid-template-columns:5.4rem minmax(0,1fr);gap:0 .8rem;padding:.55rem 0;
border-bottom:1px solid var(--rule);font-variant-numeric:tabular-nums}
li b{font-size:.78rem;letter-spacing:.04em;font-weight:650;line-height:1.95}
li small{grid-column:2;color:var(--soft);font-size:.85rem}
.pass{color:var(--good)}.fail{color:var(--bad)}.open{color:var(--open)}.limit{color:var(--soft)}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,24rem),1fr));gap:1.6rem 2rem;margin:1rem 0}
figure{margin:0;min-width:0;overflow:hidden}
figcaption{font-size:.92rem;font-weight:600}
figure>svg{display:block;width:100%;height:auto;max-width:32rem;overflow:visible}
.legend{display:flex;flex-wrap:wrap;gap:.1rem 1rem;font-size:.82rem;color:var(--soft);margin:.2rem 0 .3rem}
.legend svg{width:22px;height:8px;margin-right:.4rem;vertical-align:middle}
svg text{font:11px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:var(--soft);
font-variant-numeric:tabular-nums}
svg .grid{stroke:var(--rule);stroke-width:1}
svg .axis{stroke:var(--soft);stroke-width:1;opacity:.6}
svg .mark{stroke:var(--soft);stroke-width:1;stroke-dasharray:2 3}
svg .line{fill:none;stroke:currentColor;stroke-width:1.8;stroke-linejoin:round}
svg circle{fill:currentColor}
.end text{fill:currentColor}
.s0{color:var(--s0)}.s1{color:var(--s1)}.s2{color:var(--s2)}.s3{color:var(--s3)}
.s4{color:var(--s4)}.s5{color:var(--s5)}.s6{color:var(--s6)}.s7{color:var(--s7)}
summary{cursor:pointer;color:var(--soft);font-size:.92rem;padding:.3rem 0}
pre{background:var(--tint);border-radius:6px;padding:.8rem 1rem;margin:.8rem 0;font:.85rem/1.5 ui-monospace,
SFMono-Regular,Menlo,Consolas,monospace;white-space:pre-wrap}
@media(max-width:40rem){svg text{font-size:13px}}
@media(max-width:30rem){li{grid-template-columns:minmax(0,1fr)}li small{grid-column:1}
dl{grid-template-columns:minmax(0,1fr);gap:0}dd{margin-bottom:.5rem}}
@media(min-width:40rem){main{padding:3.5rem 2rem 5rem}}
@media print{body{font-size:12px}main{max-width:none}}
"""
