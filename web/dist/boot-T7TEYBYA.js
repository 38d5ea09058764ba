try{let t=localStorage.getItem("signalbox.theme");(t==="light"||t==="dark")&&(document.documentElement.dataset.theme=t)}catch{}
