import { render } from "preact";
import { App, find } from "./app";
import { askToLeave, listen, loadSession, session } from "./kit";
import { onLeave, start } from "./kit/router";

onLeave(askToLeave);
start();
listen();
if (find(location.pathname)?.page.open) session.value = null; // such a page asks for nobody
else void loadSession();
render(<App />, document.getElementById("app")!);
