// Package auth turns credentials into principals: signed tokens of configured issuers, personal access tokens, and the
// sign-in codes and device sessions of a program that is its own issuer.
//
// A Verifier believes a token only in the way that its issuer's row says. The row fixes the algorithm and the kind of key,
// so a public key can never serve as an HMAC secret: the two are different types. A refusal is a *Rejection whatever the
// reason; callers answer all of them alike.
//
// Nothing here enters a request's context: the principal is a result, and the user in it an argument from there on.
package auth
