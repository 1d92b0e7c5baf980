// Names of jobs.
#ifndef DEEPBINDNET_SERVER_JOBS_JOB_ID_H_
#define DEEPBINDNET_SERVER_JOBS_JOB_ID_H_

#include <string>

namespace deepbindnet {

// "job-" and 12 random characters of lower-case base32 (a-z, 2-7): 60 random bits. Thread-safe.
std::string RandomJobId();

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_JOBS_JOB_ID_H_
