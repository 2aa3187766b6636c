package national

import "stopline.internal/store/ledger/stop"

// Codes of messages.
const (
	CodeStop            = "100101"
	CodeStopFeedback    = "100102"
	CodeRelease         = "100103"
	CodeReleaseFeedback = "100104"
	CodeExtend          = "100105"
	CodeExtendFeedback  = "100106"
	CodeFreeze          = "100201"
	CodeFreezeFeedback  = "100202"
	CodeThaw            = "100203" // of a freeze: release
	CodeThawFeedback    = "100204"
	CodeRenew           = "100205" // of a freeze: extend
	CodeRenewFeedback   = "100206"
)

// Return codes.
const (
	ReturnOK           = "100000"
	ReturnFormat       = "200001"
	ReturnTimeout      = "200002"
	ReturnDuplicate    = "200003"
	ReturnUnauthorised = "200004" // to 200007
	ReturnRate         = "200008"
	ReturnClosed       = "200009"
	ReturnNoAccount    = "200010"
)

// Types of an application, and urgency.
const (
	TypeNormal     = "01"
	TypeBank       = "02" // bank-reported
	TypeBackFilled = "03" // the paper follows; the original's id is given
	UrgencyNormal  = "01"
	UrgencyUrgent  = "02"
	SubjectPerson  = "01"
	SubjectEntity  = "02"
	ByAmount       = "01" // a freeze of an amount
	ByAccount      = "02" // of the account
)

// Application is an application: a stop, its extension, a freeze or a release.
// Times are yyyyMMddHHmmss, amounts decimals in the currency's unit.
type Application struct {
	Code          string `json:"txCode"`
	ApplicationID string `json:"applicationID"`
	Type          string `json:"applicationType"`
	OriginalID    string `json:"originalApplicationID,omitempty"` // of a back-filled one, an extension or a release
	CaseNumber    string `json:"caseNumber"`
	CaseType      string `json:"caseType"`
	Urgency       string `json:"emergencyLevel"`

	TransferID       string `json:"transferSerialNumber"`
	TransferBank     string `json:"transferOutBankID,omitempty"`
	TransferName     string `json:"transferOutAccountName,omitempty"`
	TransferAccount  string `json:"transferOutAccountNumber,omitempty"`
	TransferCurrency string `json:"currency"`
	TransferAmount   string `json:"transferAmount"`
	TransferTime     string `json:"transferTime"`

	Bank          string `json:"bankID"`
	SubjectType   string `json:"subjectType"`
	AccountName   string `json:"accountName,omitempty"`
	AccountNumber string `json:"accountNumber"`
	Amount        string `json:"applicationAmount"`
	ByWhat        string `json:"freezeType,omitempty"`

	Reason       string       `json:"reason"`
	Remark       string       `json:"remark,omitempty"`
	Start        string       `json:"startTime,omitempty"`
	Expiry       string       `json:"expireTime,omitempty"`
	Authority    string       `json:"applicationOrgName,omitempty"`
	Operator     stop.Officer `json:"operator"`
	Investigator stop.Officer `json:"investigator"`
	Document     string       `json:"legalDocument,omitempty"`
}

// Feedback is a bank's answer to an application.
type Feedback struct {
	Code           string        `json:"txCode"`
	ApplicationID  string        `json:"applicationID"`
	Result         string        `json:"result"` // a return code
	State          string        `json:"state"`  // how far: all, part, none
	Balance        string        `json:"accountBalance,omitempty"`
	Held           string        `json:"executedAmount,omitempty"`
	Applied        string        `json:"appliedAmount,omitempty"`
	Available      string        `json:"availableBalance,omitempty"`
	Start          string        `json:"startTime,omitempty"`
	Expiry         string        `json:"expireTime,omitempty"`
	TechnicalCause string        `json:"failureCause,omitempty"`
	Remark         string        `json:"feedbackRemark,omitempty"`
	Who            string        `json:"feedbackOrgName,omitempty"`
	Prior          []PriorFreeze `json:"priorFreezes,omitempty"`
}

// PriorFreeze is one of another authority that comes first.
type PriorFreeze struct {
	Authority string `json:"freezeOrgName"`
	Amount    string `json:"freezeAmount"`
	Expiry    string `json:"freezeExpireTime,omitempty"`
}
