// Package llm asks a language model over OpenAI's Chat Completions, which nearly every server of models speaks, each in its own
// dialect, or over its Responses API. The package absorbs the dialects: what it yields is text for the person, and whole calls.
package llm
