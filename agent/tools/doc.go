// Package tools holds the five tools through which every change of a list is made: add_task, list_tasks, complete_task,
// delete_task and update_task. A Toolbox serves them to the assistant in process, to a person's devices through Call, and to
// any client of the Model Context Protocol over HTTP and stdio.
//
// A tool reads its arguments strictly, resolves the words in them once, and leaves the decision to the pure rules of the root
// package inside one Edit of the store. It holds no conversation and never asks a model. Who calls is an explicit Caller;
// nothing in the arguments or in a context can choose the user.
package tools
