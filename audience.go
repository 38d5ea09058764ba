package signalbox

// Audience is a named set of records that follows a condition by itself (contract section 9).
type Audience struct {
	ID        AudienceID
	Name      string
	Of        RecordKind
	Condition string // an expression
	Ready     bool   // its members are complete; until then it is filled by a job, and nobody is told of them
}
