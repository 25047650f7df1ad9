"""The page's own style sheet and its small script."""

from __future__ import annotations

STYLE = """
:root{color-scheme:light dark;--ink:#1d2327;--soft:#5b666e;--line:#d9dee1;--paper:#fff;
--panel:#f6f8f8;--accent:#0b6b5d}
@media (prefers-color-scheme:dark){:root{--ink:#e4e8ea;--soft:#9aa6ad;--line:#343c41;
--paper:#14181b;--panel:#1c2226;--accent:#5fc7b3}}
*{box-sizing:border-box}
html{scroll-behavior:smooth}
body{margin:0;background:var(--paper);color:var(--ink);line-height:1.5;font-size:16px;
font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Noto Sans CJK SC",sans-serif}
header,.frame{max-width:1240px;margin:0 auto;padding:0 24px}
header{padding-top:40px;padding-bottom:8px}
h1{font-size:2.1rem;line-height:1.15;margin:0;letter-spacing:-.02em}
.sub{color:var(--soft);margin:.4rem 0 0}
.frame{display:grid;grid-template-columns:200px minmax(0,1fr);gap:40px}
nav ol{position:sticky;top:24px;list-style:none;margin:28px 0;padding:0;font-size:.875rem}
nav li{border-left:2px solid var(--line)}
nav a{display:block;padding:3px 0 3px 12px;color:var(--soft);text-decoration:none}
nav a:hover,nav a:focus{color:var(--accent)}
section{padding:12px 0 20px;scroll-margin-top:8px}
section+section{border-top:1px solid var(--line)}
h2{font-size:1.35rem;margin:1rem 0 .6rem;letter-spacing:-.01em}
h2 a{color:inherit;text-decoration:none}
h2 a:hover::after{content:" #";color:var(--soft)}
h3{font-size:.95rem;margin:1.1rem 0 .4rem}
.note{max-width:74ch;color:var(--ink);margin:.4rem 0}
.empty{max-width:74ch;color:var(--soft);background:var(--panel);border-left:3px solid var(--line);
padding:10px 14px;margin:.6rem 0}
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(190px,1fr));gap:12px;margin:0}
.tiles>div{background:var(--panel);border:1px solid var(--line);border-radius:8px;
padding:12px 14px}
.tiles dt{font-size:.8rem;color:var(--soft)}
.tiles dd{margin:2px 0 0;font-size:1.45rem;font-weight:600;letter-spacing:-.01em;
font-variant-numeric:tabular-nums}
.tiles dd span{font-size:.85rem;font-weight:400;color:var(--soft)}
.tiles dd.what{font-size:.78rem;font-weight:400;color:var(--soft);letter-spacing:0}
figure{margin:.6rem 0}
figcaption{font-size:.83rem;color:var(--soft);max-width:80ch}
.plot{width:100%;overflow:hidden}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.86rem;font-variant-numeric:tabular-nums}
table.narrow{width:auto;min-width:min(100%,460px)}
th{text-align:left;font-weight:600;color:var(--soft);border-bottom:1px solid var(--ink);
padding:5px 10px;vertical-align:bottom}
td{border-bottom:1px solid var(--line);padding:5px 10px;vertical-align:top;
overflow-wrap:break-word}
td:first-child{min-width:6.6em}
.n{text-align:right;white-space:nowrap}
th.n{white-space:normal}
details{margin:.8rem 0}
summary{cursor:pointer;font-size:.95rem;font-weight:600}
summary:hover{color:var(--accent)}
noscript p{background:var(--panel);padding:10px 14px}
@media (max-width:860px){.frame{grid-template-columns:minmax(0,1fr);gap:0}
nav ol{position:static;columns:2;margin:12px 0}}
@media print{:root{--ink:#000;--soft:#444;--line:#bbb;--paper:#fff;--panel:#fff;--accent:#000}
nav{display:none}.frame{display:block}body{font-size:11pt}figure,.tiles>div,tr{break-inside:avoid}
h2,h3{break-after:avoid}}
"""

# Draws the figures from the top, one at a time so that the page can be read meanwhile, and the rest
# before printing; colours of text and grid follow the page, so one figure serves light and dark.
SCRIPT = """
(function(){
'use strict';
var config={displaylogo:false,displayModeBar:false,responsive:true};
function merge(a,b){for(var k in b){if(!(k in a)){a[k]=b[k]}
else if(a[k]&&b[k]&&typeof a[k]==='object'&&!Array.isArray(a[k])){merge(a[k],b[k])}}return a}
function look(layout){
var css=getComputedStyle(document.documentElement);
function v(n){return css.getPropertyValue(n).trim()}
var ink=v('--ink'),line=v('--line'),paper=v('--paper');
layout=JSON.parse(JSON.stringify(layout));
merge(layout,{font:{color:ink},paper_bgcolor:'rgba(0,0,0,0)',plot_bgcolor:'rgba(0,0,0,0)',
hoverlabel:{bgcolor:paper,bordercolor:line,font:{color:ink}}});
Object.keys(layout).filter(function(k){return /^[xy]axis/.test(k)}).forEach(function(k){
merge(layout[k],{gridcolor:line,linecolor:line,zerolinecolor:line})});
return layout}
var drawn=[];
function draw(box){
if(box.dataset.drawn){return}
box.dataset.drawn='1';
var source=document.querySelector('script[data-for="'+box.id+'"]');
var figure=JSON.parse(source.textContent);
drawn.push({box:box,layout:figure.layout});
Plotly.newPlot(box,figure.data,look(figure.layout),config)}
var boxes=Array.prototype.slice.call(document.querySelectorAll('.plot'));
function all(){boxes.forEach(draw)}
function next(i){if(i<boxes.length){draw(boxes[i]);setTimeout(next,0,i+1)}}
next(0);
function again(){drawn.forEach(function(d){Plotly.relayout(d.box,look(d.layout))})}
matchMedia('(prefers-color-scheme: dark)').addEventListener('change',again);
addEventListener('beforeprint',function(){all();
document.querySelectorAll('details').forEach(function(d){d.open=true})});
})();
"""
