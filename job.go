package signalbox

import "time"

// JobKind is what a job does.
type JobKind string

// The kinds of jobs.
const (
	JobRetention     JobKind = "retention"
	JobEraseAccount  JobKind = "erase_account"
	JobEraseContact  JobKind = "erase_contact"
	JobEmptyAudience JobKind = "empty_audience" // takes the members of a deleted audience out of it
	JobRescore       JobKind = "rescore"        // works scores out anew after the scoring was changed
	JobCloseWebhook  JobKind = "close_webhook"  // fails what a deleted webhook still had to send
	JobDropStream    JobKind = "drop_stream"    // forgets what was kept of a deleted stream's records, and its runs
)

// JobStatus is where a job stands.
type JobStatus string

// The states of a job.
const (
	JobQueued    JobStatus = "queued"
	JobRunning   JobStatus = "running"
	JobDone      JobStatus = "done"
	JobFailed    JobStatus = "failed"
	JobCancelled JobStatus = "cancelled"
)

// Job is long work, done in slices of at most SliceRows rows so that nothing else waits for it; it survives a restart.
type Job struct {
	ID        JobID
	Workspace WorkspaceID
	Kind      JobKind
	Status    JobStatus
	Subject   int64 // the account, contact, webhook or stream that it is about; 0 for none
	Cursor    int64 // where the next slice begins; each kind reads it in its own way
	Matching  int64 // how many rows it will touch, as far as known
	Done      int64 // how many it has touched
	Error     string
	Params    string    // what it was asked to do beside Subject, as JSON of its kind; "": nothing
	ResumeAt  time.Time // it does nothing more before; zero: at once
	CreatedAt time.Time
	UpdatedAt time.Time
	EndedAt   time.Time // zero while it goes on
}

// Ended says whether the job will do nothing more.
func (j *Job) Ended() bool {
	return j.Status == JobDone || j.Status == JobFailed || j.Status == JobCancelled
}

// SliceRows is the most rows that one slice of a job touches (design, Storage).
const SliceRows = 1000

// Join is what a job is to do that takes the place of one that goes on: the work of both. Whether it tells is its own.
func (r Rescoring) Join(with Rescoring) Rescoring {
	of := r.Of
	if of != with.Of {
		of = 0
	}
	return Rescoring{
		Points: r.Points || with.Points, Sums: r.Sums || with.Sums, Stand: r.Stand || with.Stand, Follow: r.Follow || with.Follow, Fit: r.Fit || with.Fit, Tell: with.Tell,
		Of: of,
	}
}

// Rescoring is what a job of kind JobRescore is to do, beside having every record looked at.
type Rescoring struct {
	Points bool       `json:"points,omitempty"` // give the signals that are stored the points of the rules now in force
	Sums   bool       `json:"sums,omitempty"`   // add them up anew, by the half-lives now in force
	Stand  bool       `json:"stand,omitempty"`  // records stand by another scoring now: take that for told, or tell
	Follow bool       `json:"follow,omitempty"` // note them anew for audiences and qualifications; audiences that were being filled are ready then
	Fit    bool       `json:"fit,omitempty"`    // qualify every record anew, by what its last signal says
	Of     RecordKind `json:"of,omitempty"`     // records of this kind alone; 0: all
	Tell   bool       `json:"tell,omitempty"`   // make events of what that changes; else nobody is told
}
