import{I as a,e,f as r,h as t}from"./chunk-NKYJSKVT.js";function o(){return e(a,{entries:[],children:[e(r,{children:"draft"}),e(t,{children:"One"})]})}export{o as GalleryPage};
