// Package web is everything HTTP, and the only importer of echo: pages rendered on
// the server that work without JavaScript, the JSON API under /api/v1, the tablet
// app at /tablet/, and the files of all three, embedded.
//
// Handlers are thin: they turn strings into domain types, call one service method
// with the actor of the session, and render. Rights are decided by the services;
// routes.go says for every route who may call it at all. Errors are mapped once,
// in errors.go.
package web
