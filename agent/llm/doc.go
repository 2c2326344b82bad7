// Package llm asks a language model over the OpenAI Chat Completions interface, which nearly every server of models speaks,
// each in its own dialect. The package absorbs the dialects: what it yields is text for the person, and whole calls.
package llm
