// What the page says besides the sentences of the recordings: why, at the moments that matter. By
// stage: `wait` is said whenever the server waits, the numbers are those of the clients' actions.
"use strict";

const INTRODUCTION = "Three clients use one echo server, whose code you see. The shape of a client is filled at the line " +
  "that runs for it, hollow at a line where it waits, and dashed at a function that will be called for it. " +
  "Press → for the next step, or Page Down for what a client does next; or choose a moment below.";

const MOMENTS = {
  1: "connects", 2: "connects", 3: "sends two lines", 4: "connects", 5: "does not read", 6: "sends again",
  7: "reads", 8: "has sent all", 9: "leaves", 10: "leaves",
};

const WHY = {
  "01": {
    wait: "It is a blocking call: until it returns, the only thread does nothing else.",
    2: "The kernel completes the connection by itself. The server will not accept it before client 1 has left.",
    3: "The lines stay in the kernel: the only thread is in recv for client 1, and that returns only when client 1 acts.",
    5: "It waits in the queue as well, although it has sent its bytes already.",
    10: "Now recv returns, the handler ends, and the client at the head of the queue gets its turn.",
  },
  "02": {
    wait: "Each thread waits for one client. Its stack keeps the place, and the kernel keeps the stack.",
    2: "It gets a thread of its own, so it need not wait for client 1.",
    3: "Its own thread waits in recv. All the other threads sleep on.",
    5: "Soon its thread waits in send, and receives no more: back-pressure, without a line of code.",
    7: "There is room again, so send returns in that thread.",
  },
  "03": {
    wait: "This is the only place where the server sleeps, and it asks for all clients at once.",
    2: "No thread is started: a client will be one more element of a list.",
    3: "select will return and name client 2. The others are not touched.",
    5: "The kernel takes a part, the rest stays in outgoing. Until it is sent, the server does not read from client 3.",
    7: "There is room again, so select reports that client 3 can be written.",
  },
  "04": {
    wait: "No callback can be called now, so the loop waits for all descriptors at once.",
    2: "The loop knows the listener as a descriptor with a callback, and nothing about clients.",
    3: "The loop will call the callback that is registered for this descriptor. It owns the client.",
    5: "What is not sent stays in outgoing, so a writer takes the place of the reader: back-pressure.",
    7: "There is room again: the loop calls the writer. When all is sent, the reader comes back.",
  },
  "05": {
    wait: "What each client waits for is a Future. Its callback knows what comes next.",
    2: "One Future of accept is one client.",
    3: "The socket's callback will set the Future's result, and on_received is called after that, by the loop.",
    5: "The Future of send_all is not done before all is sent, so recv is not called: back-pressure.",
    7: "There is room again, and in the end the Future of send_all is done.",
  },
  "06": {
    wait: "Each handler has stopped at a co_yield. Its variables are in a frame, and no thread is in it.",
    2: "A new Task will drive a new generator.",
    3: "The Future of recv will be done. Then its callback steps the Task, and the handler continues in the middle of its line.",
    5: "The handler stays at its second co_yield until all is sent. So it cannot receive: back-pressure, as in stage 01.",
    7: "There is room again, so the second co_yield comes to its end.",
  },
  "07": {
    wait: "Each handler has stopped at a co_await. Its variables are in a frame, and no thread is in it.",
    2: "A new Task will run echo_handler, to its first co_await.",
    3: "The loop will resume recv, and with its end echo_handler continues in the middle of its line.",
    5: "The handler stays at its second co_await until all is sent. So it cannot receive: back-pressure, as in stage 01.",
    7: "There is room again, so send_all comes to its end.",
  },
};
const WHY_EVERYWHERE = {
  8: "That is a half-close: the server still has to answer. It learns of the end by an empty string.",
  9: "The server learns of it by an empty string, and closes its own end.",
  10: "The server learns of it by an empty string, and closes its own end.",
};

// Why the step that is shown happens, or what follows from it; empty where the sentence says it all.
function whyOf(recording, step) {
  const words = WHY[recording.number] ?? {};
  if (step.action) {
    return words[step.action] ?? WHY_EVERYWHERE[step.action] ?? "";
  }
  return step.kind === "wait" ? words.wait ?? "" : "";
}

// Where it is on no line: the function that will be called for a client. 0: none is known.
function lineToBeCalled(recording, place) {
  if (place.kind !== "kept") {
    return 0;
  }
  const called = /calls (\w+)$/.exec(place.words);
  const name = called ? called[1] : /^struct Client/.test(place.words) ? "echo_handler" : "";
  const line = recording.source.findIndex((text) => name && new RegExp(`^\\w[\\w<>:& ]* ${name}\\(.*[{,]$`).test(text));
  return line + 1;
}

// The variable with what is received and not sent back yet.
function variableOf(recording) {
  return recording.source.some((line) => line.includes("outgoing")) ? "outgoing" : "data";
}
