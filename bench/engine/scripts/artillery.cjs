// The time at which Artillery's users stop, and the check of the session's last answer.
let end;

exports.begin = (context, events, done) => {
  end ??= Date.now() + 1000 * Number(process.env.SECONDS);
  done();
};

exports.goesOn = (context, next) => next(Date.now() < end);

exports.added = (request, response, context, events, done) => {
  const right = response.statusCode === 201 && String(response.body).includes('"added":true');
  if (!right) events.emit("counter", "not_added", 1);
  done();
};
