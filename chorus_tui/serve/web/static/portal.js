// Says why the portal has ended: the server's word, or that there was none. textual.js, loaded after this, opens the stream.
"use strict";

class ToldStream extends WebSocket {
  constructor(url, protocols) {
    super(url, protocols);
    this.addEventListener("close", (event) => {
      const why = event.reason || "The connection to the server was lost.";
      document.getElementById("why").textContent = why;
      document.getElementById("ended").hidden = false;
      document.getElementById("terminal").setAttribute("aria-hidden", "true");
      document.getElementById("again").focus();
    });
  }
}

window.WebSocket = ToldStream;

// Keys go to the terminal without a click first.
window.addEventListener("load", () => {
  setTimeout(() => document.querySelector(".xterm-helper-textarea")?.focus(), 0);
});
