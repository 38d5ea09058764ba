// Package watch shows a workspace live: signals as they are stored, deliveries as they change, the log as it is written.
//
// It refuses to hold what happened (the tables do), to be asked what was before a view began beyond a short look back, and to slow anybody down:
// whoever commits or settles only says so, and that costs one look at a counter while nobody watches.
//
// # How it works
//
// A [Hub] keeps a room for each workspace that somebody watches, and one goroutine that goes through the rooms: when it is told that something was
// committed here or on another node, at most every Pause, and every Beat anyway, so that a lost message costs a second. It reads what came behind the
// last id that the room has seen. Ids of a workspace grow in the order of its commits: nothing is missed, whichever node made it. Deliveries that
// change are named by whoever settled them.
//
// # Bounds
//
// A view holds at most Ring events. One that does not take them loses the oldest, and is told how many; nobody waits for it. Of what comes faster
// than anybody reads, a room takes PerPause at a time and counts the rest as dropped. There are at most MaxViews views, and PerWorkspace of one.
//
// # Invariants
//
//   - a view gets events of its own workspace alone;
//   - signals come in the order of their ids, each once;
//   - what was committed after Watch returned is shown or counted as dropped.
package watch
