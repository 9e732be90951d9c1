import * as React from "react";

interface Props {
  title: string;
}

/** Shows a title. */
export const Title: React.FC<Props> = ({ title }) => {
  const upper = () => title.toUpperCase();
  return <h1>{upper()}</h1>;
};

/**
 * Remembers a click.
 */
export const Button = React.memo(({ title }: Props) => {
  const [on, setOn] = React.useState(false);
  return <button onClick={() => setOn(!on)}>{title}</button>;
});

export default class Page extends React.Component<Props> {
  state = { open: false };

  private toggle = () => {
    this.setState({ open: !this.state.open });
  };

  render() {
    return <Title title={this.props.title} />;
  }
}

function Broken() {
  return <div><span></div>;
}

export function AfterTheError() {
  return <p />;
}
