// Package rest is the HTTP surface: the chat endpoint, the socket's upgrade, the tools over MCP, sign-in, the calendar feed,
// probes, documents and the page.
//
// It decides who is speaking and whether they may, reads and bounds what they send, and hands over to the ports of Options
// with the user as an argument. It keeps no rule about tasks.
//
// A request is refused in a fixed order: host, address limit, token, path, media type, size, content, turn budget. What
// stands before "media type" is answered without reading the body, and before the store is asked.
package rest
