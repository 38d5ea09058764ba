import { render } from "preact";
import { App } from "./app";
import { askToLeave, listen, loadSession } from "./kit";
import { onLeave, start } from "./kit/router";

onLeave(askToLeave);
start();
listen();
void loadSession();
render(<App />, document.getElementById("app")!);
