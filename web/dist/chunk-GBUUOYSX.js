import{c as n,h as t,p}from"./chunk-VBCDINYO.js";function y(r){return function(i){let o=p(null);n(()=>{r().then(l=>{o.value={of:l}})},[]);let e=o.value?.of;return e?t(e,{...i}):null}}export{y as a};
