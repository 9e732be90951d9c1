/**
 * Widgets of the dashboard.
 */

'use strict';

const LIMIT = 10; // a trailing comment documents nothing
/** Doubles a number. */
const double = (x) => x * 2;

// A line comment,
// and its second line.
export default async function load(url, { retries = 3 } = {}) {
  const parse = (text) => {
    return JSON.parse(text);
  };
  return parse(await fetch(url));
}

/**
 * A clock on the wall.
 *
 * @extends Component
 */
export class Clock extends Component {
  static defaultProps = { zone: 'utc' };

  /** Handles a click. */
  onClick = async (event) => {
    this.stop(event);
  };

  #tick() {
    return 1;
  }

  get time() {
    return this.#tick();
  }

  static *hours() {
    yield 1;
  }

  render() {
    return <div onClick={this.onClick}>{this.time}</div>;
  }
}

const api = {
  /** Lists everything. */
  list() {
    return [];
  },
  'drop-all': function () {
    return null;
  },
  setting: () => 1,
  nested: {
    deep: (a) => {
      return a;
    },
  },
};

exports.helper = function (a) {
  return a;
};
module.exports.other = (a) => a;
Clock.prototype.chime = function () {};
app.handle = function handle(req) {
  return req;
};
const Card = React.memo(function Card({ title }) {
  return <b>{title}</b>;
});
var legacy = function () {};
function* naturals() { yield 1; }
module.exports = api;

function broken( {
  let = ;
}

function afterTheError() {
  return 1;
}

/** Loads a user. */
export const fetchUser = createAsyncThunk('user/fetch', async (id) => {
  return api.user(id);
});
