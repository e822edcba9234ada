// Shows the channel's messages as Teams would: adaptive cards, with the Markdown that Teams knows.
"use strict";

const REFRESH_MS = 1500;
const posts = document.getElementById("posts");
let last = 0;

// Headings, tables, images, code and quotes are not rendered by Teams; HTML is shown as text.
const markdown = window.markdownit({ html: false, linkify: false, breaks: false }).disable([
  "heading", "lheading", "table", "image", "code", "fence", "blockquote", "backticks", "hr", "reference", "autolink",
]);
AdaptiveCards.AdaptiveCard.onProcessMarkdown = (text, result) => {
  result.outputHtml = markdown.render(text);
  result.didProcess = true;
};

const colours = (main, subtle) => ({ default: main, subtle });
const foreground = {
  default: colours("#242424", "#616161"),
  dark: colours("#000000", "#424242"),
  light: colours("#616161", "#8a8a8a"),
  accent: colours("#5b5fc7", "#7579eb"),
  good: colours("#237b4b", "#3a9562"),
  warning: colours("#835c00", "#9d6e00"),
  attention: colours("#c4314b", "#d74654"),
};
const style = (backgroundColor) => ({ backgroundColor, foregroundColors: foreground });
const host = new AdaptiveCards.HostConfig({
  fontFamily: '"Segoe UI", system-ui, sans-serif',
  fontSizes: { small: 12, default: 14, medium: 14, large: 18, extraLarge: 24 },
  fontWeights: { lighter: 400, default: 400, bolder: 600 },
  spacing: { small: 8, default: 12, medium: 16, large: 20, extraLarge: 24, padding: 16 },
  separator: { lineThickness: 1, lineColor: "#e0e0e0" },
  containerStyles: {
    default: style("#ffffff"), emphasis: style("#f5f5f5"), accent: style("#e8ebfa"),
    good: style("#e7f2da"), warning: style("#fbf6d9"), attention: style("#fcf4f6"),
  },
  actions: { maxActions: 6, spacing: "default", buttonSpacing: 8, actionsOrientation: "horizontal",
             actionAlignment: "left", showCard: { actionMode: "inline", inlineTopMargin: 12, style: "emphasis" } },
  factSet: { title: { weight: "bolder", wrap: true, maxWidth: 160 }, value: { wrap: true }, spacing: 16 },
});

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function open(action) {
  if (!(action instanceof AdaptiveCards.OpenUrlAction)) return;  // submit and execute reach nobody from a webhook
  if (/^https?:\/\//i.test(action.url)) window.open(action.url, "_blank", "noopener");
}

// Old connector cards are still accepted, but their buttons are not shown.
function fromMessageCard(old) {
  const text = (value, more) => (value ? [{ type: "TextBlock", text: value, wrap: true, ...more }] : []);
  const section = (part) => [
    ...text(part.activityTitle, { weight: "Bolder" }), ...text(part.text),
    ...(part.facts ? [{ type: "FactSet", facts: part.facts.map((f) => ({ title: f.name, value: f.value })) }] : []),
  ];
  const body = [...text(old.title, { weight: "Bolder", size: "Large" }), ...text(old.text),
                ...(old.sections || []).flatMap(section)];
  return { type: "AdaptiveCard", version: "1.4", body };
}

function cardElement(message) {
  const content = message.kind === "message_card" ? fromMessageCard(message.card) : message.card;
  const card = new AdaptiveCards.AdaptiveCard();
  card.hostConfig = host;
  card.onExecuteAction = open;
  card.parse(content);
  const box = element("div", content.msteams && content.msteams.width === "Full" ? "card full" : "card");
  box.append(card.render() || element("p", "empty", "This card cannot be shown."));
  for (const link of box.querySelectorAll("a[href]")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer";
  }
  return box;
}

function post(message) {
  const when = new Date(message.received).toLocaleString();
  if (message.status !== "posted") {
    return element("article", "post lost", `${when}: a flow run failed, nothing was posted. ${message.reason}`);
  }
  const article = element("article", "post");
  article.id = `message-${message.id}`;
  const content = element("div", "content");
  content.append(element("span", "who", "Workflows"), element("time", "when", when), cardElement(message));
  article.append(element("span", "avatar", "⚡"), content);
  return article;
}

async function refresh() {
  try {
    const answer = await fetch(`/api/cards?after=${last}`);
    const { cards } = await answer.json();
    if (cards.length) {
      posts.querySelector(".empty:only-child")?.remove();
      posts.append(...cards.map(post));
      last = cards[cards.length - 1].id;
      window.scrollTo(0, document.body.scrollHeight);
    }
  } finally {
    setTimeout(refresh, REFRESH_MS);
  }
}

refresh();
